-- name: correlation
-- description: Correlation of the daily log returns of two tickers, dividends included, on the days that both have, and the first's beta on the second
-- parameters: ticker, start, end, start, end, other_ticker, start, end, start, end
-- ticker: ticker, such as BP.L
-- other_ticker: ticker, such as SHEL.L
-- start: date, such as 2022-01-01
-- end: date, such as 2022-12-31
WITH pairs AS (
  SELECT a.dt,
    ln(a.adj_close / lag(a.adj_close) OVER (ORDER BY a.dt)) AS one,
    ln(b.adj_close / lag(b.adj_close) OVER (ORDER BY a.dt)) AS other
  FROM (
    SELECT dt, adj_close FROM ftse100_prices_adjusted
    WHERE ticker = ? AND year BETWEEN substr(?, 1, 4) AND substr(?, 1, 4) AND dt BETWEEN ? AND ?
  ) a
  JOIN (
    SELECT dt, adj_close FROM ftse100_prices_adjusted
    WHERE ticker = ? AND year BETWEEN substr(?, 1, 4) AND substr(?, 1, 4) AND dt BETWEEN ? AND ?
  ) b
    ON a.dt = b.dt
)
SELECT count(one) AS returns, min(dt) AS first_day, max(dt) AS last_day,
  CASE WHEN stddev_samp(one) > 0 AND stddev_samp(other) > 0 THEN corr(one, other) END AS correlation,
  CASE WHEN stddev_samp(other) > 0 THEN covar_samp(one, other) / var_samp(other) END AS beta
FROM pairs
