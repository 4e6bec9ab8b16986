-- What /metrics asks of the store.

-- turns --
SELECT feed, mode, outcome, turns, inserted, updated, unchanged, refused, closed, longest
FROM cop.feed_turns(%(seconds)s);
