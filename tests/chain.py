"""What must hold of a store after whatever befell it."""

from __future__ import annotations

import psycopg

_LINKS = """
SELECT count(*) FROM (SELECT *, lag(hash, 1, '\\x'::bytea) OVER (ORDER BY n) AS before FROM cop.journal) AS j
WHERE hash_before <> before OR hash <> sha256(hash_before || convert_to(concat_ws(chr(31), n, extract(epoch FROM at)::text,
    layer, coalesce(feature, chr(30)), op, actor, coalesce(cause, chr(30)), coalesce(cls_before, chr(30)),
    coalesce(cls_after, chr(30)), extract(epoch FROM told_at)::text), 'UTF8') || payload_hash)
"""
_HEAD = "SELECT count(*) FROM cop.head AS h JOIN cop.journal AS j USING (n) WHERE h.hash = j.hash"
_GAPS = """
SELECT count(*) FROM (SELECT n, op, lag(n, 1, 0::bigint) OVER (ORDER BY n) AS before FROM cop.journal) AS j
WHERE n <> before + 1 AND op <> 'restore'
"""
_OPEN = """
SELECT count(*) FROM (SELECT id, seq FROM layer.incidents EXCEPT ALL
    SELECT id, seq FROM history.incidents WHERE seq_to = 9223372036854775807) AS missing
"""
_MARKS = """
SELECT count(*) FROM (SELECT cls, count(*) FROM layer.incidents GROUP BY cls EXCEPT
    SELECT cls, count FROM cop.mark WHERE layer = 'incidents') AS wrong
"""
_OVERLAPS = """
SELECT count(*) FROM history.incidents AS a JOIN history.incidents AS b ON a.id = b.id AND a.seq < b.seq AND a.seqs && b.seqs
"""


def faults(owner_dsn: str) -> dict[str, int]:
    """What does not hold, by name; nothing where the store is whole."""
    wanted = {"links": (_LINKS, 0), "head": (_HEAD, 1), "gaps": (_GAPS, 0), "open versions": (_OPEN, 0),
              "marks": (_MARKS, 0), "overlaps": (_OVERLAPS, 0)}  # fmt: skip
    found = {}
    with psycopg.connect(owner_dsn) as connection:
        for name, (statement, right) in wanted.items():
            row = connection.execute(statement.encode()).fetchone()
            if row != (right,):
                found[name] = row[0] if row else -1
    return found
