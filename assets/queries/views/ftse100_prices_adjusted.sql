-- name: ftse100_prices_adjusted
-- description: The rows of ftse100_prices_by_year with each close adjusted for the dividends of later days.
-- of: ftse100_prices
-- dividend_paid: double, the dividend in the currency of the prices, by the euro reference rate of the day or the last published in the ten days before it; null where it is in doubt or there is no such rate
-- adj_factor: double, product over the later days with a dividend of 1 - dividend_paid / the close before; a dividend of null, or of at least that close, counts as none
-- adj_close: double, close times adj_factor
WITH paying AS (
  -- each ticker's first row, and its rows with a dividend
  SELECT ticker, dt, before, currency, dividend, dividend_currency
  FROM (
    SELECT ticker, dt, currency, dividend, dividend_currency,
      lag(close) OVER (PARTITION BY ticker ORDER BY dt) AS before
    FROM ftse100_prices_by_year
  ) rows_before
  WHERE dividend > 0 OR before IS NULL
),
worth AS (
  -- whatever the base: the base itself is worth 1 of itself
  SELECT dt, base_currency, target_currency AS currency, rate FROM fx_rates_by_year
  UNION ALL
  SELECT dt, base_currency, base_currency AS currency, 1 AS rate FROM fx_rates_by_year GROUP BY dt, base_currency
),
converted AS (
  SELECT p.ticker, p.dt, p.before,
    CASE
      WHEN p.dividend_currency <> p.currency
        THEN p.dividend * max_by(own.rate / other.rate, own.dt) FILTER (WHERE other.rate IS NOT NULL)
      ELSE p.dividend
    END AS dividend_paid
  FROM paying p
  LEFT JOIN worth own ON own.currency = p.currency AND p.dividend_currency <> p.currency AND own.dt <= p.dt
    AND own.dt >= CAST(CAST(CAST(p.dt AS date) - INTERVAL '10' DAY AS date) AS varchar)
  LEFT JOIN worth other ON other.currency = p.dividend_currency AND other.dt = own.dt
    AND other.base_currency = own.base_currency
  GROUP BY p.ticker, p.dt, p.before, p.currency, p.dividend, p.dividend_currency
),
spans AS (
  -- from one such row to the day before the next, the same dividends are still to come
  SELECT ticker, dt AS since, dividend_paid,
    coalesce(lead(dt) OVER (PARTITION BY ticker ORDER BY dt), '9999-12-31') AS until,
    coalesce(exp(sum(CASE WHEN dividend_paid < before THEN ln(1 - dividend_paid / before) ELSE 0 END)
      OVER (PARTITION BY ticker ORDER BY dt ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING)), 1) AS factor
  FROM converted
)
SELECT p.dt, p.ticker, p.open, p.high, p.low, p.close, p.volume, p.currency, p.dividend, p.dividend_currency,
  p.split_ratio, p.quoted_currency, p.flags, p.year,
  CASE WHEN p.dividend > 0 THEN s.dividend_paid ELSE p.dividend END AS dividend_paid,
  s.factor AS adj_factor,
  p.close * s.factor AS adj_close
FROM ftse100_prices_by_year p
LEFT JOIN spans s ON s.ticker = p.ticker AND s.since <= p.dt AND p.dt < s.until
