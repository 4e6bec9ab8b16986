-- API keys: only their hashes, and what they stand for.
-- depends: 0005_scenario_times

CREATE TABLE cop.api_key (
    id text PRIMARY KEY,            -- names the key where people speak of it; no secret
    hash bytea NOT NULL UNIQUE,     -- SHA-256 of the key
    label text NOT NULL,            -- who holds it
    role text NOT NULL,
    department text,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz,
    revoked_at timestamptz
);
GRANT SELECT ON cop.api_key TO cop_app;
