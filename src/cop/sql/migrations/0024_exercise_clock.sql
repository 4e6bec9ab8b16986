-- The exercise's clock may run: the feeds' worker tells what the clock shows of the simulator that it asks.
-- depends: 0022_left_visible

-- The clock that runs, once feeds tell the exercise. Where there is no row the story alone tells it, and its clock stands
-- between two tellings.
CREATE TABLE cop.exercise_clock (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    told_at timestamptz NOT NULL,   -- when it was told, by our clock
    shows timestamptz NOT NULL,     -- what it showed then
    speed float8 NOT NULL CHECK (speed >= 0 AND speed <= 600) -- its seconds in one of ours
);

-- What the clock that runs shows; null where none does. It goes on by itself for five of our seconds: whoever tells it
-- does so more often, and where nobody tells it any more, it stands.
CREATE FUNCTION cop.running_clock() RETURNS timestamptz
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT shows + least(greatest(statement_timestamp() - told_at, interval '0'), interval '5 s') * speed
      FROM cop.exercise_clock
$$;

-- The time on the exercise's clock: how far the story is told, or what the clock shows that runs, whichever is later.
-- It never goes back. Null where there is neither.
CREATE OR REPLACE FUNCTION cop.exercise_now() RETURNS timestamptz
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT greatest((SELECT told_at FROM cop.head), (SELECT told_to FROM cop.scenario), cop.running_clock())
$$;

-- Tell what the clock shows and how fast it goes; gives what the exercise's clock shows now. A clock that was set back is
-- waited for: until it has come to the exercise's time again, that stands still.
CREATE FUNCTION cop.tell_clock(in_shows timestamptz, in_speed float8) RETURNS timestamptz LANGUAGE plpgsql AS $$
DECLARE
    now_ timestamptz := cop.exercise_now();
    -- What a clock may be behind because our word took so long to come.
    slack_ interval := interval '1 s' + interval '2 s' * in_speed;
BEGIN
    INSERT INTO cop.exercise_clock AS c (told_at, shows, speed)
    VALUES (clock_timestamp(), greatest(in_shows, now_), CASE WHEN in_shows < now_ - slack_ THEN 0 ELSE in_speed END)
    ON CONFLICT (only_row) DO UPDATE SET told_at = excluded.told_at, shows = excluded.shows, speed = excluded.speed;
    RETURN greatest(in_shows, now_);
END
$$;

-- The scenario time that the transaction is told at, or null. The word `live` stands for what the clock shows that runs;
-- where none runs it says nothing.
CREATE OR REPLACE FUNCTION cop.scenario_at() RETURNS timestamptz LANGUAGE plpgsql STABLE AS $$
DECLARE
    told_ text := nullif(current_setting('cop.scenario_at', true), '');
BEGIN
    IF told_ = 'live' THEN
        RETURN CASE WHEN cop.running_clock() IS NOT NULL THEN cop.exercise_now() END;
    END IF;
    RETURN told_::timestamptz;
END
$$;

-- As in 0005, and with the clock that runs: whoever writes at its time has it from us, so it is nobody's to be refused.
-- Of two who write at once the one that is numbered later is told later, and what is no exercise has no such time.
CREATE OR REPLACE FUNCTION cop.next_number(
    in_layer text, in_feature text, in_op text, in_cls_before text, in_cls_after text, in_payload bytea
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    last_ cop.head;
    at_ timestamptz;
    told_ timestamptz := cop.scenario_at();
    actor_ text := coalesce(nullif(current_setting('cop.actor', true), ''), 'system');
    cause_ text := nullif(current_setting('cop.cause', true), '');
    hash_ bytea;
BEGIN
    SELECT * INTO last_ FROM cop.head FOR UPDATE;
    IF current_setting('cop.scenario_at', true) = 'live' THEN
        IF coalesce(in_cls_before, in_cls_after, '') NOT LIKE 'exercise:%'
            OR coalesce(in_cls_after, in_cls_before, '') NOT LIKE 'exercise:%' THEN
            told_ := NULL;
        ELSIF told_ < last_.told_at THEN
            told_ := last_.told_at;
        END IF;
    ELSIF told_ IS NOT NULL THEN
        PERFORM cop.check_scenario_at(told_, last_.told_at, in_layer, in_cls_before, in_cls_after);
    END IF;
    at_ := greatest(clock_timestamp(), last_.at + interval '1 microsecond');
    hash_ := sha256(last_.hash || convert_to(concat_ws(E'\x1f', last_.n + 1, extract(epoch FROM at_)::text, in_layer,
        coalesce(in_feature, E'\x1e'), in_op, actor_, coalesce(cause_, E'\x1e'), coalesce(in_cls_before, E'\x1e'),
        coalesce(in_cls_after, E'\x1e'), extract(epoch FROM told_)::text), 'UTF8') || in_payload);
    INSERT INTO cop.journal VALUES (last_.n + 1, at_, in_layer, in_feature, in_op, actor_, cause_,
        in_cls_before, in_cls_after, in_payload, last_.hash, hash_, told_);
    UPDATE cop.head SET n = last_.n + 1, at = at_, hash = hash_, told_at = coalesce(told_, last_.told_at);
    PERFORM pg_notify('cop', (last_.n + 1)::text);
    RETURN last_.n + 1;
END
$$;

-- As in 0014; where a clock runs, exercise records are changed at what it shows.
CREATE OR REPLACE FUNCTION cop.tick(in_rows integer DEFAULT 100) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    total bigint := 0;
    spec_ jsonb;
    rule_ jsonb;
    mode_ text;
    exercise_ text := CASE WHEN cop.running_clock() IS NULL THEN coalesce(cop.exercise_now()::text, '') ELSE 'live' END;
BEGIN
    -- What this transaction has written before is numbered first, at its own time and by its own actor.
    SET CONSTRAINTS ALL IMMEDIATE;
    INSERT INTO cop.ticking VALUES (txid_current());
    PERFORM set_config('cop.actor', 'ticker', true);
    FOR spec_, rule_, mode_ IN
        SELECT l.spec, rule, mode FROM cop.layer AS l, jsonb_array_elements(l.spec->'ticks') WITH ORDINALITY AS r(rule, place),
               unnest(ARRAY['actual', 'exercise', 'test']) AS mode
         WHERE jsonb_typeof(l.spec->'ticks') = 'array' ORDER BY l.id, mode, place
    LOOP
        -- A record that cannot be changed keeps its rule and mode from going on, and no other.
        BEGIN
            PERFORM set_config('cop.cause', format('time: %s past %s', rule_->>'set', rule_->>'past'), true),
                    set_config('cop.scenario_at', CASE mode_ WHEN 'exercise' THEN exercise_ ELSE '' END, true);
            total := total + cop.tick_rule(spec_, rule_, mode_, in_rows);
        EXCEPTION WHEN OTHERS THEN
            -- Not the error's words, which may repeat a record.
            RAISE WARNING 'ticks: % of %, %, failed: %', rule_->>'set', spec_->>'id', mode_, SQLSTATE;
        END;
    END LOOP;
    PERFORM set_config('cop.scenario_at', '', true), set_config('cop.cause', '', true);
    DELETE FROM cop.ticking WHERE tx = txid_current();
    RETURN total;
END
$$;

REVOKE EXECUTE ON FUNCTION cop.running_clock(), cop.tell_clock(timestamptz, float8) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION cop.running_clock() TO cop_app;
