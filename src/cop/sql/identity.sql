-- API keys.

-- key --
-- Whom a key stands for, while it holds.
SELECT id, role, department FROM cop.api_key
WHERE hash = %(hash)s AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > clock_timestamp());

-- holder --
-- Whom a key stands for by its id, while it holds: sessions that were begun with a key end with it.
SELECT id, role, department FROM cop.api_key
WHERE id = %(id)s AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > clock_timestamp());

-- create --
INSERT INTO cop.api_key (id, hash, label, role, department, expires_at)
VALUES (%(id)s, %(hash)s, %(label)s, %(role)s, %(department)s,
        clock_timestamp() + make_interval(days => %(days)s));

-- list --
SELECT id, label, role, department, created_at, expires_at, revoked_at FROM cop.api_key ORDER BY created_at;

-- revoke --
UPDATE cop.api_key SET revoked_at = clock_timestamp() WHERE id = %(id)s AND revoked_at IS NULL;
