-- name: sector_performance
-- description: Mean change of each sector's tickers, weighted alike, between two days (or the last closes of the week before each)
-- parameters: from_day, from_day, from_day, from_day, to_day, to_day, to_day, to_day
-- from_day: date, such as 2021-12-31
-- to_day: date, such as 2022-12-30
WITH sectors AS (
  SELECT ticker, max_by(sector, valid_from) AS sector
  FROM constituents
  GROUP BY ticker
),
opening AS (
  SELECT ticker, max_by(close, dt) AS close
  FROM ftse100_prices_by_year
  WHERE year BETWEEN substr(CAST(CAST(CAST(? AS date) - INTERVAL '7' DAY AS date) AS varchar), 1, 4)
      AND substr(?, 1, 4)
    AND dt BETWEEN CAST(CAST(CAST(? AS date) - INTERVAL '7' DAY AS date) AS varchar) AND ?
  GROUP BY ticker
),
closing AS (
  SELECT ticker, max_by(close, dt) AS close
  FROM ftse100_prices_by_year
  WHERE year BETWEEN substr(CAST(CAST(CAST(? AS date) - INTERVAL '7' DAY AS date) AS varchar), 1, 4)
      AND substr(?, 1, 4)
    AND dt BETWEEN CAST(CAST(CAST(? AS date) - INTERVAL '7' DAY AS date) AS varchar) AND ?
  GROUP BY ticker
),
changes AS (
  SELECT coalesce(nullif(s.sector, ''), 'unknown') AS sector, c.close / o.close - 1 AS change
  FROM opening o
  LEFT JOIN closing c ON c.ticker = o.ticker
  LEFT JOIN sectors s ON s.ticker = o.ticker
)
SELECT sector, count(*) AS tickers, count(*) - count(change) AS left_before_to_day,
  avg(change) AS mean_change, min(change) AS worst_change, max(change) AS best_change
FROM changes
GROUP BY sector
ORDER BY mean_change DESC NULLS LAST, sector
