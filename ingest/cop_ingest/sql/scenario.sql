-- Statements of the exercise's story. Values are parameters.

-- begin --
-- The store's one story; nothing where it has one already.
INSERT INTO cop.scenario (story) VALUES (%(story)s) ON CONFLICT DO NOTHING;

-- told --
-- Which story the store is told, how many of its steps, and the time that it has come to.
SELECT s.story, s.steps, cop.exercise_now() FROM cop.scenario AS s;

-- lock --
-- One teller at a time; the steps that are told.
SELECT story, steps FROM cop.scenario FOR UPDATE;

-- told_by_feeds --
-- Whether a simulator's clock has run here: then its feeds tell the exercise, and the story is silent.
SELECT EXISTS (SELECT FROM cop.exercise_clock);

-- reserve --
-- Keep the story's numbers from being drawn for other records; those that were free.
INSERT INTO cop.drawn (prefix, day, number)
SELECT split_part(id, '-', 1), to_date(split_part(id, '-', 2), 'YYYYMMDD'), split_part(id, '-', 3)::integer
FROM unnest(%(ids)s::text[]) AS id ON CONFLICT DO NOTHING;

-- cause --
SELECT set_config('cop.actor', 'exercise', true), set_config('cop.cause', %(story)s, true);

-- tell --
-- Tell some steps, each at its own time and number.
SELECT cop.tell(%(steps)s::jsonb);

-- remember --
-- How many steps are told now.
UPDATE cop.scenario SET steps = %(steps)s;

-- move_clock --
-- All is told up to a time: there the exercise's clock stands now.
UPDATE cop.scenario SET told_to = greatest(told_to, %(now)s);

-- tick --
-- What has come due by then, some at a time; how many.
SELECT cop.tick();

-- begin_run --
INSERT INTO cop.run (layer, origin, provenance) VALUES (%(layer)s, %(story)s, 'exercise') RETURNING id;

-- finish_run --
UPDATE cop.run SET finished_at = clock_timestamp(), state = %(state)s, seen = %(seen)s, inserted = %(inserted)s,
    updated = %(updated)s, n = (SELECT n FROM cop.head) WHERE id = %(run)s;

-- analyze --
-- What the planner must know after so many rows.
ANALYZE cop.journal, cop.mark_log, {tables};
