-- name: total_return
-- description: Return of every ticker in a window, of the price alone and with dividends reinvested on the days they went ex
-- parameters: start, end, start, end
-- start: date, such as 2021-12-31
-- end: date, such as 2022-12-30
WITH prices AS (
  SELECT dt, ticker, close, dividend, lag(close) OVER (PARTITION BY ticker ORDER BY dt) AS before
  FROM ftse100_prices_by_year
  WHERE year BETWEEN substr(?, 1, 4) AND substr(?, 1, 4) AND dt BETWEEN ? AND ?
)
SELECT ticker, min(dt) AS first_day, max(dt) AS last_day,
  coalesce(sum(CASE WHEN before IS NOT NULL THEN dividend END), 0) AS dividends,
  exp(coalesce(sum(ln(close / before)), 0)) - 1 AS price_return,
  exp(coalesce(sum(ln((close + dividend) / before)), 0)) - 1 AS total_return
FROM prices
GROUP BY ticker
ORDER BY ticker
