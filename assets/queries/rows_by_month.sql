-- name: rows_by_month
-- description: Days and rows of both datasets by month, all that the lake holds
SELECT 'ftse100_prices' AS dataset, substr(dt, 1, 7) AS month, count(DISTINCT dt) AS days, count(*) AS row_count
FROM ftse100_prices
WHERE dt >= '1999-01-01'
GROUP BY substr(dt, 1, 7)
UNION ALL
SELECT 'fx_rates' AS dataset, substr(dt, 1, 7) AS month, count(DISTINCT dt) AS days, count(*) AS row_count
FROM fx_rates
WHERE dt >= '1999-01-01'
GROUP BY substr(dt, 1, 7)
ORDER BY 1, 2
