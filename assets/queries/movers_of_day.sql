-- name: movers_of_day
-- description: The largest gains and losses of one day, against each ticker's last close of the ten days before
-- parameters: day, day, day, day, day, places, places
-- day: date, such as 2022-12-30
-- places: count, such as 5
WITH closes AS (
  SELECT dt, ticker, close,
    lag(dt) OVER (PARTITION BY ticker ORDER BY dt) AS before_dt,
    lag(close) OVER (PARTITION BY ticker ORDER BY dt) AS before_close
  FROM ftse100_prices_by_year
  WHERE year BETWEEN substr(CAST(CAST(CAST(? AS date) - INTERVAL '10' DAY AS date) AS varchar), 1, 4)
      AND substr(?, 1, 4)
    AND dt BETWEEN CAST(CAST(CAST(? AS date) - INTERVAL '10' DAY AS date) AS varchar) AND ?
),
changes AS (
  SELECT ticker, before_dt, before_close, close, close / before_close - 1 AS change
  FROM closes
  WHERE dt = ? AND before_close IS NOT NULL
),
ranked AS (
  SELECT ticker, before_dt, before_close, close, change,
    row_number() OVER (ORDER BY change DESC, ticker) AS from_top,
    row_number() OVER (ORDER BY change, ticker) AS from_bottom
  FROM changes
)
SELECT ticker, before_dt, before_close, close, change
FROM ranked
WHERE from_top <= ? OR from_bottom <= ?
ORDER BY change DESC, ticker
