-- name: all_rates
-- description: Rate of every currency on each published day of a window
-- parameters: start, end, start, end
-- start: date, such as 2022-12-01
-- end: date, such as 2022-12-30
SELECT dt, base_currency, target_currency, rate
FROM fx_rates_by_year
WHERE year BETWEEN substr(?, 1, 4) AND substr(?, 1, 4) AND dt BETWEEN ? AND ?
ORDER BY target_currency, dt
