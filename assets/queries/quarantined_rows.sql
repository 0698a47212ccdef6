-- name: quarantined_rows
-- description: Rows in quarantine, why, how many times, and whether the lake has a row in their place by now
-- parameters: start, end, start, end, start, end, start, end, start, end, start, end, start, end, start, end, start, end
-- start: date, such as 2022-01-01
-- end: date, such as 2022-12-31
WITH put_aside AS (
  SELECT 'ftse100_index' AS dataset, dt, ticker AS symbol, reason
  FROM quarantine_ftse100_index
  WHERE dt BETWEEN ? AND ?
  UNION ALL
  SELECT 'ftse100_prices' AS dataset, dt, ticker AS symbol, reason
  FROM quarantine_ftse100_prices
  WHERE dt BETWEEN ? AND ?
  UNION ALL
  SELECT 'fx_rates' AS dataset, dt, target_currency AS symbol, reason
  FROM quarantine_fx_rates
  WHERE dt BETWEEN ? AND ?
),
counted AS (
  SELECT dataset, dt, symbol, reason, count(*) AS times
  FROM put_aside
  GROUP BY dataset, dt, symbol, reason
),
present AS (
  SELECT 'ftse100_index' AS dataset, dt, ticker AS symbol FROM ftse100_index_by_year
  WHERE year BETWEEN substr(?, 1, 4) AND substr(?, 1, 4) AND dt BETWEEN ? AND ?
  UNION ALL
  SELECT 'ftse100_prices' AS dataset, dt, ticker AS symbol FROM ftse100_prices_by_year
  WHERE year BETWEEN substr(?, 1, 4) AND substr(?, 1, 4) AND dt BETWEEN ? AND ?
  UNION ALL
  SELECT 'fx_rates' AS dataset, dt, target_currency AS symbol FROM fx_rates_by_year
  WHERE year BETWEEN substr(?, 1, 4) AND substr(?, 1, 4) AND dt BETWEEN ? AND ?
)
SELECT c.dataset, c.dt, c.symbol, c.reason, c.times, CASE WHEN p.dt IS NULL THEN 'no' ELSE 'yes' END AS in_lake_now
FROM counted c
LEFT JOIN present p ON p.dataset = c.dataset AND p.dt = c.dt AND p.symbol = c.symbol
ORDER BY c.dataset, c.dt, c.symbol, c.reason
