-- name: closes_and_averages
-- description: Close, volume and averages over 20, 50 and 200 days of every ticker on each day of a window
-- parameters: start, end, start, end, start
-- start: date, such as 2022-12-01
-- end: date, such as 2022-12-30
WITH closes AS (
  -- 320 days hold 200 trading days
  SELECT dt, ticker, close, volume, row_number() OVER (PARTITION BY ticker ORDER BY dt) AS place,
    avg(close) OVER (PARTITION BY ticker ORDER BY dt ROWS BETWEEN 19 PRECEDING AND CURRENT ROW) AS of_20,
    avg(close) OVER (PARTITION BY ticker ORDER BY dt ROWS BETWEEN 49 PRECEDING AND CURRENT ROW) AS of_50,
    avg(close) OVER (PARTITION BY ticker ORDER BY dt ROWS BETWEEN 199 PRECEDING AND CURRENT ROW) AS of_200
  FROM ftse100_prices_by_year
  WHERE year BETWEEN substr(CAST(CAST(CAST(? AS date) - INTERVAL '320' DAY AS date) AS varchar), 1, 4) AND substr(?, 1, 4)
    AND dt BETWEEN CAST(CAST(CAST(? AS date) - INTERVAL '320' DAY AS date) AS varchar) AND ?
)
SELECT dt, ticker, close, volume,
  CASE WHEN place >= 20 THEN of_20 END AS average_20,
  CASE WHEN place >= 50 THEN of_50 END AS average_50,
  CASE WHEN place >= 200 THEN of_200 END AS average_200
FROM closes
WHERE dt >= ?
ORDER BY ticker, dt
