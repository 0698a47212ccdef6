-- name: latest_prices
-- description: Last price of every ticker in a window, such as the week to today
-- parameters: start, end, start, end
-- start: date, such as 2022-12-23
-- end: date, such as 2022-12-30
SELECT dt, ticker, close, currency, adj_close, volume
FROM (
  SELECT dt, ticker, close, currency, adj_close, volume,
    row_number() OVER (PARTITION BY ticker ORDER BY dt DESC) AS place
  FROM ftse100_prices_adjusted
  WHERE year BETWEEN substr(?, 1, 4) AND substr(?, 1, 4) AND dt BETWEEN ? AND ?
) ranked
WHERE place = 1
ORDER BY ticker
