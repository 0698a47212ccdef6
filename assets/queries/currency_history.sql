-- name: currency_history
-- description: Rate of one currency on each published day of a window
-- parameters: currency, start, end
SELECT dt, base_currency, target_currency, rate
FROM fx_rates
WHERE target_currency = ? AND dt BETWEEN ? AND ?
ORDER BY dt
