-- name: missing_days
-- description: Days of each dataset's calendar that the lake has no row of, between 1999 and 2080
-- parameters: start, end, start, end, start, end, start, end, start, end, start, end, start, end
-- start: date, such as 2021-12-13
-- end: date, such as 2022-12-30
WITH digits AS (
  SELECT n FROM (VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) AS listed (n)
),
numbers AS (
  SELECT a.n + 10 * b.n + 100 * c.n + 1000 * d.n + 10000 * e.n AS n
  FROM digits a CROSS JOIN digits b CROSS JOIN digits c CROSS JOIN digits d CROSS JOIN digits e
  WHERE e.n < 3
),
days AS (
  -- 1998-12-28 was a Monday, before all data
  SELECT CAST(CAST(DATE '1998-12-28' + INTERVAL '1' DAY * n AS date) AS varchar) AS day, mod(n, 7) AS weekday
  FROM numbers
),
weekdays AS (
  SELECT day FROM days WHERE weekday < 5 AND day BETWEEN ? AND ?
),
due AS (
  SELECT d.dataset, w.day
  FROM weekdays w
  CROSS JOIN (
    VALUES ('ftse100_index', 'london'), ('ftse100_prices', 'london'), ('fx_rates', 'target')
  ) AS d (dataset, calendar)
  LEFT JOIN closing_days c ON c.calendar = d.calendar AND c.closed = w.day
  WHERE c.closed IS NULL
),
present AS (
  SELECT 'ftse100_index' AS dataset, dt FROM ftse100_index_by_year
  WHERE year BETWEEN substr(?, 1, 4) AND substr(?, 1, 4) AND dt BETWEEN ? AND ?
  GROUP BY dt
  UNION ALL
  SELECT 'ftse100_prices' AS dataset, dt FROM ftse100_prices_by_year
  WHERE year BETWEEN substr(?, 1, 4) AND substr(?, 1, 4) AND dt BETWEEN ? AND ?
  GROUP BY dt
  UNION ALL
  SELECT 'fx_rates' AS dataset, dt FROM fx_rates_by_year
  WHERE year BETWEEN substr(?, 1, 4) AND substr(?, 1, 4) AND dt BETWEEN ? AND ?
  GROUP BY dt
)
SELECT due.dataset, due.day AS missing_day
FROM due
LEFT JOIN present ON present.dataset = due.dataset AND present.dt = due.day
WHERE present.dt IS NULL
ORDER BY due.dataset, due.day
