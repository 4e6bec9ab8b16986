-- What those who change the schema ask.

-- try_lock --
-- Take the one lock of those who change the schema, until this connection ends; false where somebody has it.
SELECT pg_try_advisory_lock(hashtext('cop.upgrade'));

-- lock --
-- The same, and wait for whoever has it.
SELECT pg_advisory_lock(hashtext('cop.upgrade'));

-- specs --
-- What the store knows of its layers; empty before the first migration.
SELECT id, spec FROM cop.layer;

-- has_store --
SELECT to_regclass('cop.layer') IS NOT NULL;

-- serving --
-- Connections of servers to this store.
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name IN ('cop', 'cop-write');
