-- Signed heads.

-- head --
SELECT n, hash FROM cop.head;

-- keep --
-- Each head is kept once a key; what was signed first stays.
INSERT INTO cop.signed_head (n, hash, signed_at, key_id, signature)
VALUES (%(n)s, %(hash)s, %(signed_at)s, %(key_id)s, %(signature)s) ON CONFLICT DO NOTHING;
