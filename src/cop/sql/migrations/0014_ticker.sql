-- The ticker: what time alone brings about (overdue, expired, escalated, stale) is a change like any other, with its number.
-- A layer's file says which column is set when (`ticks`); nothing here knows a layer.
-- depends: 0012_restore

-- Transactions that are ticking at this moment. A row is there only while cop.tick runs, and only that can write it: it is
-- how a scenario time is trusted that a server's own session gives.
CREATE TABLE cop.ticking (tx bigint PRIMARY KEY);

-- What a rule asks of a record beside its time; `prefix_` stands before each column, such as `t.`.
CREATE FUNCTION cop.tick_holds(rule jsonb, prefix_ text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    one jsonb;
    met text := format('%s%I IS NOT NULL', prefix_, rule->>'past');
    values_ text[];
    column_ text;
BEGIN
    FOR one IN SELECT * FROM jsonb_array_elements(rule->'when') LOOP
        column_ := format('%s%I', prefix_, one->>'column');
        values_ := ARRAY(SELECT jsonb_array_elements_text(one->'values'));
        met := met || CASE WHEN values_ = '{}' THEN format(' AND %s IS NOT NULL', column_)
                           ELSE format(' AND %s = ANY (%L::text[])', column_, values_) END;
    END LOOP;
    FOR one IN SELECT * FROM jsonb_array_elements(rule->'unless') LOOP
        column_ := format('%s%I', prefix_, one->>'column');
        values_ := ARRAY(SELECT jsonb_array_elements_text(one->'values'));
        met := met || CASE WHEN values_ = '{}' THEN format(' AND %s IS NULL', column_)
                           ELSE format(' AND (%s = ANY (%L::text[])) IS NOT TRUE', column_, values_) END;
    END LOOP;
    RETURN met;
END
$$;

-- The time from which on a rule holds.
CREATE FUNCTION cop.tick_deadline(rule jsonb, prefix_ text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN CASE WHEN rule->>'cadence' IS NULL THEN format('%s%I', prefix_, rule->>'past')
        ELSE format('%1$s%2$I + make_interval(secs => coalesce(%1$s%3$I, 0) * %4$s)', prefix_, rule->>'past', rule->>'cadence', rule->>'times') END;
END
$$;

-- The moment that a record of a mode is judged at: the clock's full minute, as in /summary, so that whatever is marked is
-- counted too. While a story is told, the story's.
CREATE FUNCTION cop.tick_moment(in_mode text) RETURNS timestamptz LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN date_trunc('minute', coalesce(cop.scenario_at(), cop.clock(in_mode)));
END
$$;

-- What every write derives: a column that says since when a rule holds is true of the record as it is written, whoever
-- writes it. So an estimate that is put off takes the mark away at once, and only time itself is left to the ticker.
CREATE FUNCTION cop.derived_ticks(spec jsonb) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN coalesce((SELECT string_agg(format('NEW.%I := CASE WHEN %s AND %s < cop.tick_moment(NEW.%I) THEN NEW.%I END;',
            rule->>'set', cop.tick_holds(rule, 'NEW.'), cop.tick_deadline(rule, 'NEW.'), spec->>'mode', rule->>'past'), '' ORDER BY place)
        FROM jsonb_array_elements(spec->'ticks') WITH ORDINALITY AS t(rule, place)
       WHERE rule->>'value' IS NULL AND NOT (rule->>'once')::boolean), '');
END
$$;

-- An index of the records that wait for their time, so that a look costs nothing where nothing is due.
CREATE FUNCTION cop.apply_ticks(spec jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    id_ text := spec->>'id';
    begins_ text := left(spec->>'id', 30) || '_tick_';
    name_ text;
    names_ text[] := '{}';
    rule jsonb;
BEGIN
    FOR rule IN SELECT * FROM jsonb_array_elements(spec->'ticks') LOOP
        CONTINUE WHEN rule->>'value' IS NOT NULL;
        name_ := begins_ || left(md5(id_ || rule::text), 16);
        names_ := names_ || name_;
        EXECUTE format('CREATE INDEX IF NOT EXISTS %I ON layer.%I (%I) WHERE %I IS NULL AND %s',
            name_, id_, rule->>'past', rule->>'set', cop.tick_holds(rule, ''));
    END LOOP;
    FOR name_ IN SELECT indexname FROM pg_indexes WHERE schemaname = 'layer' AND tablename = id_ AND starts_with(indexname, begins_)
            AND indexname <> ALL (names_) LOOP
        EXECUTE format('DROP INDEX layer.%I', name_);
    END LOOP;
END
$$;

-- As in 0008, with the ticks'.
ALTER FUNCTION cop.apply_indexes(jsonb) RENAME TO apply_past_indexes;
CREATE FUNCTION cop.apply_indexes(spec jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM cop.apply_past_indexes(spec);
    PERFORM cop.apply_ticks(spec);
END
$$;

-- As in 0009, with what ticks derive. Layers that have ticks are applied anew, for their files have changed.
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
    body := body || cop.derived_ticks(spec);
    IF spec->>'updated' IS NOT NULL THEN
        -- A change that changes nothing leaves the time as it was, for it takes no number either.
        SELECT string_agg(format('NEW.%I', name), ', '), string_agg(format('OLD.%I', name), ', ') INTO new_values, old_values
          FROM (SELECT unnest(ARRAY['provenance', 'geom']) AS name UNION ALL
                SELECT c->>'name' FROM jsonb_array_elements(spec->'columns') AS c WHERE c->>'name' <> spec->>'updated') AS names;
        body := body || format('IF TG_OP = ''UPDATE'' AND (%s) IS NOT DISTINCT FROM (%s) THEN NEW.%I := OLD.%3$I;'
            ' ELSE NEW.%3$I := coalesce(cop.scenario_at(), clock_timestamp()); END IF;', new_values, old_values, spec->>'updated');
    END IF;
    body := body || format('NEW.geom_3857 := ST_Transform(NEW.geom, 3857); NEW.cls := %s;', cop.class_expression(spec, 'NEW'));
    body := body || cop.blur_assignments(spec, 'NEW', ':=', ';');
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

-- As in 0005; the ticker gives scenario times too.
CREATE OR REPLACE FUNCTION cop.check_scenario_at(
    told_ timestamptz, last_ timestamptz, in_layer text, in_cls_before text, in_cls_after text
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF NOT pg_has_role(session_user, current_user, 'MEMBER')
        AND NOT EXISTS (SELECT FROM cop.ticking WHERE tx = txid_current()) THEN
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

-- Set what a rule sets on the records of a mode for which it is time. Gives how many: some at a time, and none that
-- somebody else has in hand, who derives it himself or leaves it to the next look.
CREATE FUNCTION cop.tick_rule(spec jsonb, rule jsonb, in_mode text, in_rows integer) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    count_ bigint;
    value_ text := CASE WHEN rule->>'value' IS NOT NULL THEN quote_literal(rule->>'value')
                        WHEN (rule->>'once')::boolean THEN '$2' ELSE format('t.%I', rule->>'past') END;
    unset_ text := CASE WHEN rule->>'value' IS NULL THEN format('t.%I IS NULL', rule->>'set')
                        ELSE format('t.%I IS DISTINCT FROM %L', rule->>'set', rule->>'value') END;
BEGIN
    EXECUTE format('WITH due AS (SELECT t.id FROM layer.%1$I AS t WHERE %2$s AND %3$s AND %4$s < $1 AND t.%5$I = $3'
        ' ORDER BY t.id LIMIT $4 FOR UPDATE SKIP LOCKED)'
        ' UPDATE layer.%1$I AS t SET %6$I = %7$s FROM due WHERE t.id = due.id',
        spec->>'id', unset_, cop.tick_holds(rule, 't.'), cop.tick_deadline(rule, 't.'), spec->>'mode', rule->>'set', value_)
        USING cop.tick_moment(in_mode), cop.clock(in_mode), in_mode, in_rows;
    GET DIAGNOSTICS count_ = ROW_COUNT;
    RETURN count_;
END
$$;

-- Look once at everything that time alone changes; gives how many records were changed, at most some of each rule. However
-- many look at a time, each change is made once: a record that one has locked the others pass over, and find done.
-- Exercise records are changed at the exercise's clock, as if its story had told it. A rule that fails is told by a warning.
CREATE FUNCTION cop.tick(in_rows integer DEFAULT 100) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    total bigint := 0;
    spec_ jsonb;
    rule_ jsonb;
    mode_ text;
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
                    set_config('cop.scenario_at', CASE mode_ WHEN 'exercise' THEN coalesce(cop.exercise_now()::text, '') ELSE '' END, true);
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

-- For servers of the version before, until the last of them has ended.
CREATE OR REPLACE FUNCTION cop.escalate_requests() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    RETURN cop.tick();
END
$$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA cop FROM PUBLIC;
GRANT EXECUTE ON FUNCTION cop.tick(integer), cop.escalate_requests() TO cop_app;
