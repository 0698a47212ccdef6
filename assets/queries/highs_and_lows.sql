-- name: highs_and_lows
-- description: Highest and lowest price of every ticker in the 52 weeks to a day, and how far its last close is from them
-- parameters: day, day, day, day
-- day: date, such as 2022-12-30
WITH prices AS (
  SELECT dt, ticker, close, coalesce(high, close) AS highest, coalesce(low, close) AS lowest
  FROM ftse100_prices_by_year
  WHERE year BETWEEN substr(CAST(CAST(CAST(? AS date) - INTERVAL '364' DAY AS date) AS varchar), 1, 4)
      AND substr(?, 1, 4)
    AND dt BETWEEN CAST(CAST(CAST(? AS date) - INTERVAL '364' DAY AS date) AS varchar) AND ?
),
ranked AS (
  SELECT dt, ticker, close,
    row_number() OVER (PARTITION BY ticker ORDER BY dt DESC) AS place,
    count(*) OVER (PARTITION BY ticker) AS days,
    first_value(highest) OVER (PARTITION BY ticker ORDER BY highest DESC, dt DESC) AS high,
    first_value(dt) OVER (PARTITION BY ticker ORDER BY highest DESC, dt DESC) AS high_dt,
    first_value(lowest) OVER (PARTITION BY ticker ORDER BY lowest, dt DESC) AS low,
    first_value(dt) OVER (PARTITION BY ticker ORDER BY lowest, dt DESC) AS low_dt
  FROM prices
)
SELECT ticker, dt, close, days, high, high_dt, low, low_dt,
  close / high - 1 AS from_high,
  close / low - 1 AS from_low,
  CASE WHEN days > 1 AND high_dt = dt THEN 'new high' WHEN days > 1 AND low_dt = dt THEN 'new low' END AS mark
FROM ranked
WHERE place = 1
ORDER BY ticker
