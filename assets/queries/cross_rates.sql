-- name: cross_rates
-- description: Units of one currency for one of another on each published day of a window, and the change from the day before
-- parameters: start, end, start, end, from_currency, to_currency
-- from_currency: currency, such as GBP
-- to_currency: currency, such as USD
-- start: date, such as 2022-12-01
-- end: date, such as 2022-12-30
WITH published AS (
  SELECT dt, base_currency, target_currency, rate
  FROM fx_rates_by_year
  WHERE year BETWEEN substr(?, 1, 4) AND substr(?, 1, 4) AND dt BETWEEN ? AND ?
),
worth AS (
  -- whatever the base: the base itself is worth 1 of itself
  SELECT dt, target_currency AS currency, rate FROM published
  UNION ALL
  SELECT dt, base_currency AS currency, 1 AS rate FROM published GROUP BY dt, base_currency
),
crossed AS (
  SELECT f.dt, t.rate / f.rate AS rate
  FROM (SELECT dt, rate FROM worth WHERE currency = ?) f
  JOIN (SELECT dt, rate FROM worth WHERE currency = ?) t ON t.dt = f.dt
)
SELECT dt, rate, rate / lag(rate) OVER (ORDER BY dt) - 1 AS change
FROM crossed
ORDER BY dt
