-- Scenario times: an exercise's history lies where its story says; registers may have ids of their own.
-- depends: 0004_rights

-- `at` stays the time of the commit. `told_at` is the time in the exercise's story at which a change became known;
-- null for all that is no exercise. It never decreases along n.
ALTER TABLE cop.journal ADD COLUMN told_at timestamptz;
ALTER TABLE cop.head ADD COLUMN told_at timestamptz;
CREATE INDEX journal_told_at ON cop.journal (told_at, n) WHERE told_at IS NOT NULL;

-- The one story that this store's exercise is told from, and how far it is told.
CREATE TABLE cop.scenario (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    story text NOT NULL,            -- seed, scale and version of the generator, as one text
    steps bigint NOT NULL DEFAULT 0, -- how many of the story's steps were told
    told_to timestamptz              -- up to when, though nothing may have happened in the last minutes
);

-- The scenario time that the transaction is told at, or null.
CREATE FUNCTION cop.scenario_at() RETURNS timestamptz LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN nullif(current_setting('cop.scenario_at', true), '')::timestamptz;
END
$$;

-- Refuse a scenario time where it does not belong. `last_` is the newest that the journal has.
-- The setting is anybody's to write, so it is the session's user who must be of the owner's role.
CREATE FUNCTION cop.check_scenario_at(
    told_ timestamptz, last_ timestamptz, in_layer text, in_cls_before text, in_cls_after text
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF NOT pg_has_role(session_user, current_user, 'MEMBER') THEN
        RAISE EXCEPTION 'scenario times are not for %', session_user
            USING HINT = 'Only the owner of the store tells an exercise''s story.';
    ELSIF coalesce(in_cls_before, in_cls_after, '') NOT LIKE 'exercise:%'
        OR coalesce(in_cls_after, in_cls_before, '') NOT LIKE 'exercise:%' THEN
        RAISE EXCEPTION 'layer %: a scenario time is for exercise records alone, found %', in_layer,
            coalesce(nullif(concat_ws(' to ', in_cls_before, in_cls_after), ''), 'no label')
            USING HINT = 'Unset cop.scenario_at; Actual, Test and unlabelled data lie at the time of their commit.';
    ELSIF told_ > clock_timestamp() THEN
        RAISE EXCEPTION 'the scenario time % lies in the future', cop.rfc3339(told_)
            USING HINT = 'A story is told up to now at most.';
    ELSIF told_ < last_ THEN
        RAISE EXCEPTION 'the scenario time % lies before the last one, %', cop.rfc3339(told_), cop.rfc3339(last_)
            USING HINT = 'Tell a story in the order of its times.';
    END IF;
END
$$;

-- As in 0002, and with the scenario time. A time that is null adds nothing to the hash, so old hashes hold.
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
    IF told_ IS NOT NULL THEN
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

-- What was known at a time, as the last number at or before it; 0 where the journal had not begun.
-- In an exercise the story's times count too: a time within it finds what the story had told by then.
DROP FUNCTION cop.number_at(timestamptz);
CREATE FUNCTION cop.number_at(t timestamptz, in_mode text) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT greatest(0, (SELECT n FROM cop.journal WHERE at <= t ORDER BY at DESC LIMIT 1),
        CASE WHEN in_mode = 'exercise' THEN
            (SELECT n FROM cop.journal WHERE told_at <= t ORDER BY told_at DESC, n DESC LIMIT 1) END)
$$;

-- When the history that a mode may ask for begins; null while the journal is empty.
DROP FUNCTION cop.history_begins();
CREATE FUNCTION cop.history_begins(in_mode text) RETURNS timestamptz
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT least((SELECT min(at) FROM cop.journal),
        CASE WHEN in_mode = 'exercise' THEN (SELECT min(told_at) FROM cop.journal WHERE told_at IS NOT NULL) END)
$$;

-- How far the exercise's story is told: the time on the exercise's clock. Null where none is told.
CREATE FUNCTION cop.exercise_now() RETURNS timestamptz
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT greatest((SELECT told_at FROM cop.head), (SELECT told_to FROM cop.scenario))
$$;

-- As in 0003, with two things more: the store's own time is the scenario's while a story is told, and a register
-- without running numbers has its ids from its key (`key` in the spec), with `.exercise` or `.test` behind it
-- where it is not Actual, so that the same thing may stand in each mode.
CREATE OR REPLACE FUNCTION cop.write_before(spec jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    id_ text := spec->>'id';
    body text := 'IF TG_OP = ''UPDATE'' AND NEW.id <> OLD.id THEN RAISE EXCEPTION ''the id % stands for ever'', OLD.id'
        ' USING HINT = ''Delete the record and insert another.''; END IF;';
    profile text;
    new_values text;
    old_values text;
BEGIN
    IF spec->>'numbered' IS NOT NULL THEN
        body := body || format('IF NEW.id IS NULL THEN NEW.id := cop.draw_id(%L, coalesce(NEW.%I, cop.scenario_at())); END IF;',
            spec->>'numbered', spec->>'time');
    ELSIF spec->>'kind' = 'register' THEN
        SELECT string_agg(format('NEW.%I', name), ', ') INTO new_values FROM jsonb_array_elements_text(spec->'key') AS name;
        body := body || format('IF NEW.id IS NULL THEN NEW.id := nullif(concat_ws(''-'', %s), '''')'
            ' || CASE WHEN NEW.%I = ''actual'' THEN '''' ELSE ''.'' || NEW.%2$I END; END IF;', new_values, spec->>'mode');
    END IF;
    IF spec->>'updated' IS NOT NULL THEN
        -- A change that changes nothing leaves the time as it was, for it takes no number either.
        SELECT string_agg(format('NEW.%I', name), ', '), string_agg(format('OLD.%I', name), ', ') INTO new_values, old_values
          FROM (SELECT unnest(ARRAY['provenance', 'geom']) AS name UNION ALL
                SELECT c->>'name' FROM jsonb_array_elements(spec->'columns') AS c WHERE c->>'name' <> spec->>'updated') AS names;
        body := body || format('IF TG_OP = ''UPDATE'' AND (%s) IS NOT DISTINCT FROM (%s) THEN NEW.%I := OLD.%3$I;'
            ' ELSE NEW.%3$I := coalesce(cop.scenario_at(), clock_timestamp()); END IF;', new_values, old_values, spec->>'updated');
    END IF;
    body := body || format('NEW.geom_3857 := ST_Transform(NEW.geom, 3857); NEW.cls := %s;', cop.class_expression(spec, 'NEW'));
    FOR profile IN SELECT jsonb_object_keys(spec->'profiles') LOOP
        body := body || format('NEW.%I := %s;', 'doc_' || profile, cop.doc_expression(spec, profile, 'NEW'));
    END LOOP;
    EXECUTE format(
        'CREATE OR REPLACE FUNCTION layer_code.%I() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER'
        ' SET search_path = pg_catalog, public, pg_temp AS %L', id_ || '_before',
        'BEGIN NEW.seq := coalesce(cop.load_number(), CASE TG_OP WHEN ''UPDATE'' THEN OLD.seq ELSE 0 END);' || body || 'RETURN NEW; END');
    EXECUTE format(
        'CREATE OR REPLACE TRIGGER derive BEFORE INSERT OR UPDATE ON layer.%I FOR EACH ROW WHEN (NOT cop.is_own_write())'
        ' EXECUTE FUNCTION layer_code.%I()', id_, id_ || '_before');
END
$$;

-- Tell some steps of a story, each at its time and under its own number: [{at, layer, id, new, values}, …] in the
-- order of their times. `new`: the record is inserted, else the values named are changed. A record that people have
-- changed since the story wrote it (its store's time is later than the step), or deleted, stays as they left it.
CREATE FUNCTION cop.tell(steps jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    step jsonb;
    columns_ text;
    updated_ jsonb;                 -- each layer's column of the store's time
BEGIN
    SELECT jsonb_object_agg(id, spec->'updated') INTO updated_ FROM cop.layer
     WHERE id IN (SELECT s->>'layer' FROM jsonb_array_elements(steps) AS s);
    -- Each statement is then numbered as it ends, at its own time.
    SET CONSTRAINTS ALL IMMEDIATE;
    FOR step IN SELECT * FROM jsonb_array_elements(steps) LOOP
        PERFORM set_config('cop.scenario_at', step->>'at', true);
        IF (step->>'new')::boolean THEN
            EXECUTE format('INSERT INTO layer.%I SELECT * FROM jsonb_populate_record(NULL::layer.%1$I, $1)', step->>'layer')
                USING step->'values';
            CONTINUE;
        END IF;
        SELECT string_agg(format('%I', name), ', ' ORDER BY name) INTO columns_ FROM jsonb_object_keys(step->'values') AS name;
        EXECUTE format('UPDATE layer.%I AS t SET (%s) = (SELECT %2$s FROM jsonb_populate_record(t, $1)) WHERE id = $2 AND %I <= $3',
            step->>'layer', columns_, updated_->>(step->>'layer')) USING step->'values', step->>'id', (step->>'at')::timestamptz;
    END LOOP;
    PERFORM set_config('cop.scenario_at', '', true);
END
$$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA cop FROM PUBLIC;
GRANT EXECUTE ON FUNCTION cop.number_at(timestamptz, text), cop.history_begins(text), cop.exercise_now() TO cop_app;
