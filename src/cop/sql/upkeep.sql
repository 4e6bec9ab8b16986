-- Retention and redaction.

-- number_before --
-- The last number that was committed before so many days.
SELECT cop.number_at(clock_timestamp() - make_interval(secs => %(days)s * 86400), 'actual');

-- closed --
-- How many versions were closed at or before a number; {history} is the layer's.
SELECT count(*) FROM {history} WHERE seq_to <= %(to)s;

-- prune --
SELECT cop.prune(%(layer)s, %(to)s);

-- acting --
-- Who acts in this transaction, and why, for the journal.
SELECT set_config('cop.actor', %(actor)s, true), set_config('cop.cause', %(cause)s, true);

-- known --
-- How many versions of a record there are; {history} is the layer's.
SELECT count(*) FROM {history} WHERE id = %(feature)s;

-- redact --
SELECT cop.redact(%(layer)s, %(feature)s, %(columns)s, %(reason)s);
