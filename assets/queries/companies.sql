-- name: companies
-- description: Every ticker with prices in a window: its company, its sector, its currency, and the first and last day that it has
-- parameters: start, end, start, end
-- start: date, such as 2022-01-01
-- end: date, such as 2022-12-31
WITH listed AS (
  SELECT ticker, max_by(company, valid_from) AS company, max_by(sector, valid_from) AS sector
  FROM constituents
  GROUP BY ticker
),
present AS (
  SELECT ticker, max_by(currency, dt) AS currency, min(dt) AS first_day, max(dt) AS last_day, count(*) AS days
  FROM ftse100_prices_by_year
  WHERE year BETWEEN substr(?, 1, 4) AND substr(?, 1, 4) AND dt BETWEEN ? AND ?
  GROUP BY ticker
)
SELECT p.ticker, coalesce(nullif(l.company, ''), p.ticker) AS company,
  coalesce(nullif(l.sector, ''), 'unknown') AS sector, p.currency, p.first_day, p.last_day, p.days
FROM present p
LEFT JOIN listed l ON l.ticker = p.ticker
ORDER BY p.ticker
