-- name: rows_by_month
-- description: Days and rows of each dataset in each month of a window, and the rows in which a value is in doubt
-- parameters: start, end, start, end, start, end, start, end, start, end, start, end
-- start: date, such as 2022-01-01
-- end: date, such as 2022-12-31
SELECT 'ftse100_index' AS dataset, substr(dt, 1, 7) AS month, count(DISTINCT dt) AS days, count(*) AS row_count,
  count(flags) AS flagged
FROM ftse100_index_by_year
WHERE year BETWEEN substr(?, 1, 4) AND substr(?, 1, 4) AND dt BETWEEN ? AND ?
GROUP BY substr(dt, 1, 7)
UNION ALL
SELECT 'ftse100_prices' AS dataset, substr(dt, 1, 7) AS month, count(DISTINCT dt) AS days, count(*) AS row_count,
  count(flags) AS flagged
FROM ftse100_prices_by_year
WHERE year BETWEEN substr(?, 1, 4) AND substr(?, 1, 4) AND dt BETWEEN ? AND ?
GROUP BY substr(dt, 1, 7)
UNION ALL
SELECT 'fx_rates' AS dataset, substr(dt, 1, 7) AS month, count(DISTINCT dt) AS days, count(*) AS row_count,
  count(flags) AS flagged
FROM fx_rates_by_year
WHERE year BETWEEN substr(?, 1, 4) AND substr(?, 1, 4) AND dt BETWEEN ? AND ?
GROUP BY substr(dt, 1, 7)
ORDER BY 1, 2
