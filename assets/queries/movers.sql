-- name: movers
-- description: Change of every ticker from one day to another, largest gain first
-- parameters: from_day, from_day, to_day, to_day
-- from_day: date, such as 2022-12-01
-- to_day: date, such as 2022-12-30
SELECT a.ticker, a.close AS before_close, b.close AS after_close, b.close / a.close - 1 AS change
FROM (SELECT ticker, close FROM ftse100_prices_by_year WHERE year = substr(?, 1, 4) AND dt = ?) a
JOIN (SELECT ticker, close FROM ftse100_prices_by_year WHERE year = substr(?, 1, 4) AND dt = ?) b ON a.ticker = b.ticker
ORDER BY change DESC, a.ticker
