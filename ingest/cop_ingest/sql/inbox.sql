-- What the inbox asks of the store, as the app role.

-- recall --
SELECT hash, told_at FROM cop.recall_return(%(inbox)s, %(mode)s, %(key)s);

-- keep --
SELECT cop.keep_return(%(inbox)s, %(mode)s, %(key)s, %(hash)s, %(told_at)s, %(feature)s);

-- find --
-- The record that the sender's number stands for.
SELECT id FROM {table} WHERE source = %(source)s AND source_ref = %(key)s AND message_status = %(mode)s;

-- alone --
-- Whether this session is now the one that listens to the broker; the lock ends with the session, however that ends.
SELECT pg_try_advisory_lock(hashtext('cop.inbox'), hashtext(%(name)s));

-- still --
SELECT 1;
