-- A store that was brought back from a backup says so in its journal, and gives no number twice.
-- depends: 0011_changes

ALTER TABLE cop.journal DROP CONSTRAINT journal_op_check;
ALTER TABLE cop.journal ADD CONSTRAINT journal_op_check CHECK (op IN ('insert', 'update', 'delete', 'load', 'redact', 'prune', 'restore'));

-- Changes made after the moment that a store was brought back to are lost, and nobody here knows their numbers; but clients
-- have seen them, in ETags, cursors and `since`. So numbers go on from the clock's milliseconds, which no store reaches by
-- counting. The row takes its place in the chain as every other does.
CREATE FUNCTION cop.note_restore(in_cause text) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('cop.cause', in_cause, true), set_config('cop.actor', 'cop restore', true);
    UPDATE cop.head SET n = greatest(n, (extract(epoch FROM clock_timestamp()) * 1000)::bigint);
    RETURN cop.next_number('', NULL, 'restore', NULL, NULL, '\x');
END
$$;
REVOKE EXECUTE ON FUNCTION cop.note_restore(text) FROM PUBLIC;
