-- name: prices_in_currencies
-- description: Closes of one ticker in its own currency, pounds, euro and dollars, by the rates of the day or the last published in the ten days before it
-- parameters: ticker, start, end, start, end, start, end, start, end
-- ticker: ticker, such as AZN.L
-- start: date, such as 2022-12-19
-- end: date, such as 2022-12-30
WITH prices AS (
  SELECT dt, ticker, close, currency
  FROM ftse100_prices_by_year
  WHERE ticker = ? AND year BETWEEN substr(?, 1, 4) AND substr(?, 1, 4) AND dt BETWEEN ? AND ?
),
rates AS (
  -- whatever the base: the base itself is worth 1 of itself
  SELECT dt,
    max(CASE WHEN target_currency = 'GBP' THEN rate WHEN base_currency = 'GBP' THEN 1 END) AS gbp,
    max(CASE WHEN target_currency = 'EUR' THEN rate WHEN base_currency = 'EUR' THEN 1 END) AS eur,
    max(CASE WHEN target_currency = 'USD' THEN rate WHEN base_currency = 'USD' THEN 1 END) AS usd
  FROM fx_rates_by_year
  WHERE year BETWEEN substr(CAST(CAST(CAST(? AS date) - INTERVAL '10' DAY AS date) AS varchar), 1, 4)
      AND substr(?, 1, 4)
    AND dt BETWEEN CAST(CAST(CAST(? AS date) - INTERVAL '10' DAY AS date) AS varchar) AND ?
  GROUP BY dt
),
days AS (
  SELECT dt FROM prices
  UNION
  SELECT dt FROM rates
),
published AS (
  SELECT d.dt, max(r.dt) OVER (ORDER BY d.dt ROWS UNBOUNDED PRECEDING) AS rate_dt
  FROM days d
  LEFT JOIN rates r ON r.dt = d.dt
),
priced AS (
  SELECT p.dt, p.ticker, p.close, p.currency, r.dt AS rate_dt, r.gbp, r.eur, r.usd,
    CASE p.currency WHEN 'GBP' THEN r.gbp WHEN 'EUR' THEN r.eur WHEN 'USD' THEN r.usd END AS own
  FROM prices p
  JOIN published u ON u.dt = p.dt
  LEFT JOIN rates r ON r.dt = u.rate_dt
    AND date_diff('day', CAST(r.dt AS date), CAST(p.dt AS date)) <= 10
)
SELECT dt, ticker, close, currency, rate_dt,
  CASE WHEN currency = 'GBP' THEN close ELSE close * gbp / own END AS close_gbp,
  CASE WHEN currency = 'EUR' THEN close ELSE close * eur / own END AS close_eur,
  CASE WHEN currency = 'USD' THEN close ELSE close * usd / own END AS close_usd
FROM priced
ORDER BY dt
