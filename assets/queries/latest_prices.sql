-- name: latest_prices
-- description: Last price of every ticker since a day
-- parameters: since
-- since: date, such as 2022-12-23
SELECT dt, ticker, close, adj_close, volume
FROM (
  SELECT dt, ticker, close, adj_close, volume, row_number() OVER (PARTITION BY ticker ORDER BY dt DESC) AS place
  FROM ftse100_prices
  WHERE dt >= ?
) ranked
WHERE place = 1
ORDER BY ticker
