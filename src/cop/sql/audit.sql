-- The audit.

-- note --
SELECT cop.note_reads(%(rows)s);

-- audited --
SELECT at, kind, n, until, deed, form, actor, role, department, mode, collection, feature, count, request
FROM cop.audited(%(mode)s, %(seen_by)s, %(begin)s, %(end)s, %(actor)s, %(department)s, %(collection)s, %(feature)s, %(deed)s, %(request)s,
    %(before_at)s, %(before_kind)s, %(before_n)s, %(rows)s);

-- head --
SELECT n, hash FROM cop.audit_head;

-- keep --
INSERT INTO cop.signed_audit_head (n, hash, signed_at, key_id, signature, anchor)
VALUES (%(n)s, %(hash)s, %(signed_at)s, %(key_id)s, %(signature)s, %(anchor)s)
ON CONFLICT (n, key_id) DO UPDATE SET anchor = cop.signed_audit_head.anchor OR excluded.anchor;

-- last_before --
-- The last row that is older than so many days, and how many there are up to it.
SELECT n, hash, (SELECT count(*) FROM cop.audit AS b WHERE b.n <= a.n) FROM cop.audit AS a
WHERE until < clock_timestamp() - make_interval(secs => %(days)s * 86400) ORDER BY n DESC LIMIT 1;

-- prune --
DELETE FROM cop.audit WHERE n <= %(n)s;
