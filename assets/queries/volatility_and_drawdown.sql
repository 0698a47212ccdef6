-- name: volatility_and_drawdown
-- description: Yearly volatility of the daily log returns of every ticker, and its largest fall from a peak, dividends included
-- parameters: start, end, start, end
-- start: date, such as 2022-01-01
-- end: date, such as 2022-12-31
WITH prices AS (
  SELECT dt, ticker, adj_close,
    lag(adj_close) OVER (PARTITION BY ticker ORDER BY dt) AS before,
    max(adj_close) OVER (PARTITION BY ticker ORDER BY dt ROWS UNBOUNDED PRECEDING) AS peak
  FROM ftse100_prices_adjusted
  WHERE year BETWEEN substr(?, 1, 4) AND substr(?, 1, 4) AND dt BETWEEN ? AND ?
),
falls AS (
  SELECT dt, ticker, ln(adj_close / before) AS log_return, adj_close / peak - 1 AS fall,
    row_number() OVER (PARTITION BY ticker ORDER BY adj_close / peak, dt) AS place
  FROM prices
)
SELECT ticker, count(*) AS days, min(dt) AS first_day, max(dt) AS last_day,
  stddev_samp(log_return) * sqrt(252) AS volatility,
  min(fall) AS max_drawdown,
  max(CASE WHEN place = 1 AND fall < 0 THEN dt END) AS trough_day
FROM falls
GROUP BY ticker
ORDER BY ticker
