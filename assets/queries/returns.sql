-- name: returns
-- description: Price return of every ticker over a week, a month and a year to a day, none for a ticker whose last close is over a week old
-- parameters: day, day, day, day, day
-- day: date, such as 2022-12-30
WITH digits AS (
  SELECT n FROM (VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) AS listed (n)
),
numbers AS (
  SELECT a.n + 10 * b.n + 100 * c.n + 1000 * d.n + 10000 * e.n AS n
  FROM digits a CROSS JOIN digits b CROSS JOIN digits c CROSS JOIN digits d CROSS JOIN digits e
  WHERE e.n < 3
),
asked AS (
  -- the day as a row, without a parameter outside WHERE: that of all days from 1998 to 2080 which it is
  SELECT CAST(DATE '1998-12-28' + INTERVAL '1' DAY * n AS date) AS day
  FROM numbers
  WHERE n = date_diff('day', DATE '1998-12-28', CAST(? AS date))
),
marks AS (
  SELECT
    CAST(CAST(day - INTERVAL '7' DAY AS date) AS varchar) AS week_ago,
    CAST(CAST(day - INTERVAL '14' DAY AS date) AS varchar) AS two_weeks_ago,
    CAST(CAST(day - INTERVAL '1' MONTH AS date) AS varchar) AS month_ago,
    CAST(CAST(CAST(day - INTERVAL '1' MONTH AS date) - INTERVAL '7' DAY AS date) AS varchar) AS week_before_month,
    CAST(CAST(day - INTERVAL '1' YEAR AS date) AS varchar) AS year_ago
  FROM asked
),
closes AS (
  SELECT dt, ticker, close
  FROM ftse100_prices_by_year
  WHERE year BETWEEN
      substr(CAST(CAST(CAST(CAST(? AS date) - INTERVAL '1' YEAR AS date) - INTERVAL '7' DAY AS date) AS varchar), 1, 4)
      AND substr(?, 1, 4)
    AND dt BETWEEN CAST(CAST(CAST(CAST(? AS date) - INTERVAL '1' YEAR AS date) - INTERVAL '7' DAY AS date) AS varchar)
      AND ?
),
found AS (
  SELECT c.ticker, max(c.dt) AS dt, max_by(c.close, c.dt) AS close,
    max_by(c.close, c.dt) FILTER (WHERE c.dt >= m.week_ago) AS close_now,
    max_by(c.close, c.dt) FILTER (WHERE c.dt BETWEEN m.two_weeks_ago AND m.week_ago) AS close_week_ago,
    max_by(c.close, c.dt) FILTER (WHERE c.dt BETWEEN m.week_before_month AND m.month_ago) AS close_month_ago,
    max_by(c.close, c.dt) FILTER (WHERE c.dt <= m.year_ago) AS close_year_ago
  FROM closes c CROSS JOIN marks m
  GROUP BY c.ticker
)
SELECT ticker, dt, close,
  close_now / close_week_ago - 1 AS one_week,
  close_now / close_month_ago - 1 AS one_month,
  close_now / close_year_ago - 1 AS one_year
FROM found
ORDER BY ticker
