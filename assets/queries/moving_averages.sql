-- name: moving_averages
-- description: Close of one ticker with its averages over 20, 50 and 200 days, and the days on which they cross
-- parameters: ticker, start, end, start, end, start
-- ticker: ticker, such as AZN.L
-- start: date, such as 2022-11-01
-- end: date, such as 2022-12-30
WITH closes AS (
  -- 320 days hold 200 trading days, and the averages are rounded so that noise in the last digit is no crossing
  SELECT dt, close, row_number() OVER (ORDER BY dt) AS place,
    round(avg(close) OVER (ORDER BY dt ROWS BETWEEN 19 PRECEDING AND CURRENT ROW), 8) AS of_20,
    round(avg(close) OVER (ORDER BY dt ROWS BETWEEN 49 PRECEDING AND CURRENT ROW), 8) AS of_50,
    round(avg(close) OVER (ORDER BY dt ROWS BETWEEN 199 PRECEDING AND CURRENT ROW), 8) AS of_200
  FROM ftse100_prices_by_year
  WHERE ticker = ?
    AND year BETWEEN substr(CAST(CAST(CAST(? AS date) - INTERVAL '320' DAY AS date) AS varchar), 1, 4)
      AND substr(?, 1, 4)
    AND dt BETWEEN CAST(CAST(CAST(? AS date) - INTERVAL '320' DAY AS date) AS varchar) AND ?
),
averages AS (
  SELECT dt, close,
    CASE WHEN place >= 20 THEN of_20 END AS average_20,
    CASE WHEN place >= 50 THEN of_50 END AS average_50,
    CASE WHEN place >= 200 THEN of_200 END AS average_200
  FROM closes
),
followed AS (
  SELECT dt, close, average_20, average_50, average_200,
    lag(average_20) OVER (ORDER BY dt) AS before_20,
    lag(average_50) OVER (ORDER BY dt) AS before_50,
    lag(average_200) OVER (ORDER BY dt) AS before_200
  FROM averages
)
SELECT dt, close, average_20, average_50, average_200,
  CASE
    WHEN average_20 > average_50 AND before_20 <= before_50 THEN 'above'
    WHEN average_20 < average_50 AND before_20 >= before_50 THEN 'below'
  END AS crossing_20_50,
  CASE
    WHEN average_50 > average_200 AND before_50 <= before_200 THEN 'above'
    WHEN average_50 < average_200 AND before_50 >= before_200 THEN 'below'
  END AS crossing_50_200
FROM followed
WHERE dt >= ?
ORDER BY dt
