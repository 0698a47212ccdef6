-- name: total_return
-- description: Return of every ticker in a window, of the price alone and with dividends reinvested at the close before they went ex
-- parameters: start, end, start, end
-- start: date, such as 2021-12-31
-- end: date, such as 2022-12-30
WITH prices AS (
  SELECT dt, ticker, close, adj_close, dividend_paid, lag(dt) OVER (PARTITION BY ticker ORDER BY dt) AS before_dt
  FROM ftse100_prices_adjusted
  WHERE year BETWEEN substr(?, 1, 4) AND substr(?, 1, 4) AND dt BETWEEN ? AND ?
)
SELECT ticker, min(dt) AS first_day, max(dt) AS last_day,
  coalesce(sum(CASE WHEN before_dt IS NOT NULL THEN dividend_paid END), 0) AS dividends,
  max_by(close, dt) / min_by(close, dt) - 1 AS price_return,
  max_by(adj_close, dt) / min_by(adj_close, dt) - 1 AS total_return
FROM prices
GROUP BY ticker
ORDER BY ticker
