-- Numbering: the functions that give a change its place in the journal.
-- depends: 0001_journal

-- RFC 3339 in UTC with Z; fractions only where there are any.
CREATE FUNCTION cop.rfc3339(t timestamptz) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    IF t = date_trunc('second', t) THEN
        RETURN to_char(t AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"');
    END IF;
    RETURN rtrim(to_char(t AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), '0') || 'Z';
END
$$;

-- Take the next number, write the journal's row, tell the listeners. Holds the head until commit.
CREATE FUNCTION cop.next_number(
    in_layer text, in_feature text, in_op text, in_cls_before text, in_cls_after text, in_payload bytea
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    last_ cop.head;
    at_ timestamptz;
    actor_ text := coalesce(nullif(current_setting('cop.actor', true), ''), 'system');
    cause_ text := nullif(current_setting('cop.cause', true), '');
    hash_ bytea;
BEGIN
    SELECT * INTO last_ FROM cop.head FOR UPDATE;
    at_ := greatest(clock_timestamp(), last_.at + interval '1 microsecond');
    hash_ := sha256(last_.hash || convert_to(concat_ws(E'\x1f', last_.n + 1, extract(epoch FROM at_)::text, in_layer,
        coalesce(in_feature, E'\x1e'), in_op, actor_, coalesce(cause_, E'\x1e'), coalesce(in_cls_before, E'\x1e'),
        coalesce(in_cls_after, E'\x1e')), 'UTF8') || in_payload);
    INSERT INTO cop.journal VALUES (last_.n + 1, at_, in_layer, in_feature, in_op, actor_, cause_,
        in_cls_before, in_cls_after, in_payload, last_.hash, hash_);
    UPDATE cop.head SET n = last_.n + 1, at = at_, hash = hash_;
    PERFORM pg_notify('cop', (last_.n + 1)::text);
    RETURN last_.n + 1;
END
$$;

-- Move a class's mark to N and its count by so many features.
CREATE FUNCTION cop.move_mark(in_layer text, in_cls text, in_n bigint, by_ bigint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    total bigint;
BEGIN
    INSERT INTO cop.mark AS m VALUES (in_layer, in_cls, in_n, by_)
    ON CONFLICT (layer, cls) DO UPDATE SET n = in_n, count = m.count + by_
    RETURNING count INTO total;
    INSERT INTO cop.mark_log VALUES (in_layer, in_cls, in_n, total)
    ON CONFLICT (layer, cls, n) DO UPDATE SET count = total;
END
$$;

-- The number of the bulk load that this transaction is in, or null.
CREATE FUNCTION cop.load_number() RETURNS bigint LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN nullif(current_setting('cop.load', true), '')::bigint;
END
$$;

-- Whether the store itself is writing (numbering a row, or making its texts anew): then nothing is derived or numbered.
CREATE FUNCTION cop.is_own_write() RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN coalesce(current_setting('cop.own_write', true), '') <> '';
END
$$;

-- Begin a bulk load: one number and one journal row for all its features, told by the manifest's hash.
-- Changes made before it in the same transaction are numbered first; writers of single rows are waited for.
CREATE FUNCTION cop.begin_load(in_layer text, manifest bytea) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    n bigint;
BEGIN
    SET CONSTRAINTS ALL IMMEDIATE;
    EXECUTE format('LOCK TABLE layer.%I IN SHARE ROW EXCLUSIVE MODE', in_layer);
    n := cop.next_number(in_layer, NULL, 'load', NULL, NULL, manifest);
    PERFORM set_config('cop.load', n::text, true);
    RETURN n;
END
$$;

-- Draw a number for a record of a day. Random, so that nobody can count what he does not see.
CREATE FUNCTION cop.draw_id(in_prefix text, at_ timestamptz) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    day_ date := (coalesce(at_, clock_timestamp()) AT TIME ZONE 'Asia/Hong_Kong')::date;
    number_ integer;
    highest integer := 99999;
BEGIN
    -- Past half of the range the numbers grow a digit, so that a draw stays quick on any day.
    WHILE (SELECT count(*) FROM cop.drawn WHERE prefix = in_prefix AND day = day_) > highest / 2 LOOP
        highest := highest * 10 + 9;
    END LOOP;
    LOOP
        number_ := 1 + floor(random() * highest)::integer;
        INSERT INTO cop.drawn VALUES (in_prefix, day_, number_) ON CONFLICT DO NOTHING;
        EXIT WHEN FOUND;
    END LOOP;
    RETURN in_prefix || to_char(day_, '-YYYYMMDD-') || lpad(number_::text, greatest(5, length(number_::text)), '0');
END
$$;

-- The last number at or before a time; 0 where the journal had not begun.
CREATE FUNCTION cop.number_at(t timestamptz) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(max(n), 0) FROM cop.journal WHERE at <= t
$$;

-- When the kept history begins; null while the journal is empty.
CREATE FUNCTION cop.history_begins() RETURNS timestamptz
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT min(at) FROM cop.journal
$$;

-- The days of a series are partitions; make the one that a time falls in.
CREATE FUNCTION cop.ensure_day(in_layer text, day_ date) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TABLE IF NOT EXISTS obs.%I PARTITION OF obs.%I FOR VALUES FROM (%L) TO (%L)',
        in_layer || to_char(day_, '_YYYYMMDD'), in_layer,
        day_::timestamp AT TIME ZONE 'UTC', (day_ + 1)::timestamp AT TIME ZONE 'UTC');
END
$$;

-- TRUNCATE passes no row trigger, and so would pass the journal by.
CREATE FUNCTION cop.refuse_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'layer.% is not truncated: the journal would not know', TG_TABLE_NAME USING HINT = 'Use DELETE.';
END
$$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA cop FROM PUBLIC;
