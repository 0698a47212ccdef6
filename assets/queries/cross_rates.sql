-- name: cross_rates
-- description: Units of one currency for one of another on each published day of a window, and the change from the day before
-- parameters: from_currency, from_currency, to_currency, to_currency, start, end, start, end
-- from_currency: currency, such as GBP
-- to_currency: currency, such as USD
-- start: date, such as 2022-12-01
-- end: date, such as 2022-12-30
WITH rates AS (
  -- whatever the base: the base itself is worth 1 of itself
  SELECT dt,
    max(CASE WHEN target_currency = ? THEN rate WHEN base_currency = ? THEN 1 END) AS from_rate,
    max(CASE WHEN target_currency = ? THEN rate WHEN base_currency = ? THEN 1 END) AS to_rate
  FROM fx_rates_by_year
  WHERE year BETWEEN substr(?, 1, 4) AND substr(?, 1, 4) AND dt BETWEEN ? AND ?
  GROUP BY dt
),
crossed AS (
  SELECT dt, to_rate / from_rate AS rate
  FROM rates
  WHERE from_rate IS NOT NULL AND to_rate IS NOT NULL
)
SELECT dt, rate, rate / lag(rate) OVER (ORDER BY dt) - 1 AS change
FROM crossed
ORDER BY dt
