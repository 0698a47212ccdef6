-- name: symbol_gaps
-- description: Day ranges that the lake has and a ticker or currency lacks, with no first_after where it never came back
-- parameters: start, end, start, end, start, end, start, end, start, end, start, end
-- start: date, such as 2022-01-01
-- end: date, such as 2022-12-31
WITH present AS (
  SELECT 'ftse100_index' AS dataset, ticker AS symbol, dt FROM ftse100_index_by_year
  WHERE year BETWEEN substr(?, 1, 4) AND substr(?, 1, 4) AND dt BETWEEN ? AND ?
  UNION ALL
  SELECT 'ftse100_prices' AS dataset, ticker AS symbol, dt FROM ftse100_prices_by_year
  WHERE year BETWEEN substr(?, 1, 4) AND substr(?, 1, 4) AND dt BETWEEN ? AND ?
  UNION ALL
  SELECT 'fx_rates' AS dataset, target_currency AS symbol, dt FROM fx_rates_by_year
  WHERE year BETWEEN substr(?, 1, 4) AND substr(?, 1, 4) AND dt BETWEEN ? AND ?
),
numbered AS (
  SELECT dataset, symbol, dt, dense_rank() OVER (PARTITION BY dataset ORDER BY dt) AS place
  FROM present
),
followed AS (
  SELECT dataset, symbol, dt, place,
    lead(dt) OVER (PARTITION BY dataset, symbol ORDER BY dt) AS next_dt,
    lead(place) OVER (PARTITION BY dataset, symbol ORDER BY dt) AS next_place,
    max(place) OVER (PARTITION BY dataset) AS last_place
  FROM numbered
)
SELECT dataset, symbol, dt AS last_before, next_dt AS first_after,
  coalesce(next_place, last_place + 1) - place - 1 AS days_without
FROM followed
WHERE coalesce(next_place, last_place + 1) > place + 1
ORDER BY dataset, symbol, dt
