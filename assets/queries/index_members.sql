-- name: index_members
-- description: Mean change of the index's members of the first day and of the last day of a window, weighted alike (before the membership begins: today's constituents)
-- parameters: from_day, from_day, from_day, to_day, to_day, to_day, from_day, from_day, from_day, from_day, to_day, to_day, to_day, to_day
-- from_day: date, such as 2021-12-31
-- to_day: date, such as 2022-12-30
WITH members AS (
  SELECT 'first day' AS members_of, 'membership' AS known_from, ticker
  FROM membership
  WHERE joined <= ? AND ("left" = '' OR "left" > ?)
  UNION ALL
  SELECT DISTINCT 'first day' AS members_of, 'constituents of today' AS known_from, ticker
  FROM constituents
  WHERE ? < (SELECT min(joined) FROM membership)
  UNION ALL
  SELECT 'last day' AS members_of, 'membership' AS known_from, ticker
  FROM membership
  WHERE joined <= ? AND ("left" = '' OR "left" > ?)
  UNION ALL
  SELECT DISTINCT 'last day' AS members_of, 'constituents of today' AS known_from, ticker
  FROM constituents
  WHERE ? < (SELECT min(joined) FROM membership)
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
)
SELECT m.members_of, m.known_from, count(*) AS members, count(c.close / o.close) AS priced,
  avg(c.close / o.close - 1) AS mean_change
FROM members m
LEFT JOIN opening o ON o.ticker = m.ticker
LEFT JOIN closing c ON c.ticker = m.ticker
GROUP BY m.members_of, m.known_from
HAVING count(c.close / o.close) > 0
ORDER BY m.members_of
