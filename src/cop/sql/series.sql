-- Series of observations.

-- raw --
-- The newest observations of a sensor in an interval, the newest first.
SELECT {time}, {columns} FROM {series}
WHERE id = %(id)s AND {time} >= coalesce(%(start)s, '-infinity'::timestamptz)
  AND {time} <= coalesce(%(end)s, 'infinity'::timestamptz)
ORDER BY {time} DESC LIMIT %(limit)s;

-- hourly --
-- Means by the hour: of the days that are kept whole, and of those that were put away; of an hour that both tell of, by
-- the number of observations. Only hours that are asked for are
-- read; an hour that has begun before the start, or ends after the end, is one whole all the same.
SELECT hour, {means} FROM (
    SELECT date_trunc('hour', {time}) AS hour, {sums} FROM {series}
     WHERE id = %(id)s AND {time} >= coalesce(date_trunc('hour', %(start)s::timestamptz), '-infinity'::timestamptz)
       AND {time} < coalesce(date_trunc('hour', %(end)s::timestamptz) + interval '1 hour', 'infinity'::timestamptz)
     GROUP BY 1
    UNION ALL
    SELECT hour, {put_away} FROM cop.rollup
     WHERE layer = %(layer)s AND id = %(id)s AND hour >= coalesce(%(start)s, '-infinity'::timestamptz)
       AND hour <= coalesce(%(end)s, 'infinity'::timestamptz)
     GROUP BY 1) AS both_
WHERE hour >= coalesce(%(start)s, '-infinity'::timestamptz) AND hour <= coalesce(%(end)s, 'infinity'::timestamptz)
GROUP BY hour ORDER BY hour DESC LIMIT %(limit)s;

-- old_days --
-- The days of a series that end before a date.
SELECT day FROM cop.series_days(%(layer)s) WHERE day < %(before)s;

-- put_away --
SELECT cop.put_away_day(%(layer)s, %(day)s, %(time)s, %(columns)s);
