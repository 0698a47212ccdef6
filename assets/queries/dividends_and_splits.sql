-- name: dividends_and_splits
-- description: Dividends and splits that took effect in a window, and the day on which an execution saw another amount
-- parameters: start, end
-- start: date, such as 2022-01-01
-- end: date, such as 2022-12-31
SELECT ex_dt, ticker, kind, amount, currency, changed
FROM corporate_actions
WHERE ex_dt BETWEEN ? AND ?
ORDER BY ex_dt, ticker, kind
