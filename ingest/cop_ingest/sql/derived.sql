-- Columns that are made from observations while these are loaded.

-- level --
-- How many of the thresholds the staged value has reached (or, falling, has come down to), or the code of that number.
UPDATE staging SET {column} = (
    SELECT {level} FROM unnest(%(thresholds)s::float8[]) AS t(value)
    WHERE CASE WHEN %(falling)s THEN {source} <= t.value ELSE {source} >= t.value END)
WHERE {source} IS NOT NULL;

-- trend --
-- The change of the newest value since the newest one that is old enough, and not more than twice as old.
UPDATE staging AS s SET {column} = round((s.{source} - (
    SELECT o.{source} FROM {series} AS o
    WHERE o.id = s.id AND o.{source} IS NOT NULL
      AND o.{time} BETWEEN s.{time} - 2 * %(span)s::interval AND s.{time} - %(span)s::interval
    ORDER BY o.{time} DESC LIMIT 1))::numeric, 3)
WHERE s.{source} IS NOT NULL;
