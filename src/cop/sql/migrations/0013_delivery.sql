-- Delivery: who is sent what changes, how far each has come, and what could not be delivered.
-- depends: 0012_restore

-- A write costs nothing here: a subscription remembers its place in the order of changes, and what lies behind it is read
-- from the history when it is sent. What is seen (audience, department, mode) never changes.
CREATE TABLE cop.subscription (
    id text PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('webhook', 'mqtt')),
    owner_department text,          -- null: of the emsc, or of the installation (mqtt)
    owner_subject text NOT NULL,    -- whose permission is asked again at each delivery
    audience text NOT NULL,
    department text,
    mode text NOT NULL,
    target text NOT NULL,           -- without credentials
    description text,
    collections text[] NOT NULL,    -- none: all
    bbox text,
    filter text,
    filter_lang text,
    content text NOT NULL CHECK (content IN ('batch', 'single')),
    secret bytea,                   -- signs what is sent; a webhook's
    rate integer CHECK (rate > 0),  -- most requests a minute, where the target said so
    place_n bigint NOT NULL,
    place_feature text,
    state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'paused', 'dead')),
    failures integer NOT NULL DEFAULT 0,
    failing_since timestamptz,
    refusals integer NOT NULL DEFAULT 0,    -- of the event that comes next, by a target that takes others
    answered_since timestamptz,             -- since when the target has answered to it, and not taken it
    next_attempt_at timestamptz,
    last_error text,
    last_delivered_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    revision bigint NOT NULL DEFAULT 0, -- raised by people, so that who delivers looks again
    holder text,                    -- the process that delivers, until its lease ends
    held_until timestamptz,
    CHECK ((kind = 'webhook') = (secret IS NOT NULL))
);
CREATE INDEX subscription_owner ON cop.subscription (owner_department, created_at);

-- A feature whose newest state the target lacks, because it refused it. No payload is kept: redelivery reads the newest
-- state, with the rights of that moment, and a later change that is delivered settles it.
CREATE TABLE cop.dead_letter (
    subscription text NOT NULL REFERENCES cop.subscription ON DELETE CASCADE,
    collection text NOT NULL,
    feature text NOT NULL,
    n bigint NOT NULL,
    reason text NOT NULL,
    attempts integer NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    due boolean NOT NULL DEFAULT false, -- somebody asked that it be sent again
    PRIMARY KEY (subscription, collection, feature)
);

GRANT SELECT, INSERT, DELETE ON cop.subscription TO cop_app;
GRANT UPDATE (
    owner_subject, target, rate, place_n, place_feature, state, failures, failing_since, refusals, answered_since,
    next_attempt_at, last_error, last_delivered_at, changed_at, revision, holder, held_until
) ON cop.subscription TO cop_app;
GRANT SELECT, INSERT, DELETE ON cop.dead_letter TO cop_app;
GRANT UPDATE (n, reason, attempts, at, due) ON cop.dead_letter TO cop_app;
