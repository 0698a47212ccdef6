-- name: all_rates
-- description: Rate of every currency on each published day of a window
-- parameters: start, end
-- start: date, such as 2022-12-01
-- end: date, such as 2022-12-30
SELECT dt, base_currency, target_currency, rate
FROM fx_rates
WHERE dt BETWEEN ? AND ?
ORDER BY target_currency, dt
