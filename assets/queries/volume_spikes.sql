-- name: volume_spikes
-- description: Days on which a ticker's volume was so many times its average of the 20 days before, largest first
-- parameters: start, end, start, end, start, times
-- start: date, such as 2022-12-01
-- end: date, such as 2022-12-30
-- times: number, such as 2.5
WITH volumes AS (
  SELECT dt, ticker, volume,
    close / lag(close) OVER (PARTITION BY ticker ORDER BY dt) - 1 AS change,
    avg(volume) OVER (PARTITION BY ticker ORDER BY dt ROWS BETWEEN 20 PRECEDING AND 1 PRECEDING) AS average_20,
    count(volume) OVER (PARTITION BY ticker ORDER BY dt ROWS BETWEEN 20 PRECEDING AND 1 PRECEDING) AS days
  FROM ftse100_prices_by_year
  WHERE year BETWEEN substr(CAST(CAST(CAST(? AS date) - INTERVAL '45' DAY AS date) AS varchar), 1, 4)
      AND substr(?, 1, 4)
    AND dt BETWEEN CAST(CAST(CAST(? AS date) - INTERVAL '45' DAY AS date) AS varchar) AND ?
)
SELECT dt, ticker, volume, average_20, volume / average_20 AS times_average, change
FROM volumes
WHERE dt >= ? AND days = 20 AND average_20 > 0 AND volume >= ? * average_20
ORDER BY times_average DESC, dt, ticker
