-- What describes schema `cop`: one statement a kind of thing, each in an order that does not depend on the machine.

-- columns --
SELECT table_name, column_name, data_type, is_nullable, coalesce(column_default, '') FROM information_schema.columns
WHERE table_schema = 'cop' ORDER BY table_name, ordinal_position;

-- constraints --
SELECT conrelid::regclass::text, contype, pg_get_constraintdef(oid) FROM pg_constraint
WHERE connamespace = 'cop'::regnamespace ORDER BY 1, 2, 3;

-- indexes --
SELECT indexdef FROM pg_indexes WHERE schemaname = 'cop' ORDER BY indexname;

-- policies --
SELECT tablename, policyname, cmd, roles::text, qual FROM pg_policies WHERE schemaname = 'cop' ORDER BY 1, 2;

-- grants --
SELECT table_name, privilege_type FROM information_schema.table_privileges
WHERE table_schema = 'cop' AND grantee = 'cop_app' ORDER BY 1, 2;

-- column_grants --
SELECT table_name, column_name, privilege_type FROM information_schema.column_privileges
WHERE table_schema = 'cop' AND grantee = 'cop_app' ORDER BY 1, 2, 3;

-- functions --
SELECT p.proname, pg_get_function_identity_arguments(p.oid), pg_get_function_result(p.oid), p.prosecdef, p.provolatile,
       has_function_privilege('cop_app', p.oid, 'EXECUTE'), md5(p.prosrc)
FROM pg_proc AS p WHERE p.pronamespace = 'cop'::regnamespace ORDER BY 1, 2;
