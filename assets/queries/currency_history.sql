-- name: currency_history
-- description: Rate of one currency on each published day of a window
-- parameters: currency, start, end, start, end
-- currency: currency, such as GBP
-- start: date, such as 2022-12-01
-- end: date, such as 2022-12-30
SELECT dt, base_currency, target_currency, rate
FROM fx_rates_by_year
WHERE target_currency = ? AND year BETWEEN substr(?, 1, 4) AND substr(?, 1, 4) AND dt BETWEEN ? AND ?
ORDER BY dt
