-- name: flagged_rows
-- description: Rows in which a value is in doubt (null, or as it came), and the rules that say so
-- parameters: start, end, start, end, start, end, start, end, start, end, start, end
-- start: date, such as 2022-01-01
-- end: date, such as 2022-12-31
SELECT 'ftse100_index' AS dataset, dt, ticker AS symbol, flags
FROM ftse100_index_by_year
WHERE year BETWEEN substr(?, 1, 4) AND substr(?, 1, 4) AND dt BETWEEN ? AND ? AND flags IS NOT NULL
UNION ALL
SELECT 'ftse100_prices' AS dataset, dt, ticker AS symbol, flags
FROM ftse100_prices_by_year
WHERE year BETWEEN substr(?, 1, 4) AND substr(?, 1, 4) AND dt BETWEEN ? AND ? AND flags IS NOT NULL
UNION ALL
SELECT 'fx_rates' AS dataset, dt, target_currency AS symbol, flags
FROM fx_rates_by_year
WHERE year BETWEEN substr(?, 1, 4) AND substr(?, 1, 4) AND dt BETWEEN ? AND ? AND flags IS NOT NULL
ORDER BY 1, 2, 3
