-- Statements that make and check databases of the private cluster, run as its superuser. Names stand in braces.

-- role_exists --
-- Whether a role of this name is there.
SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = %(role)s)

-- create_role --
-- A role that may log in and nothing else; the password is already a SCRAM verifier, so that no log can show it.
CREATE ROLE {role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD {verifier}

-- database_exists --
-- Whether a database of this name is there.
SELECT EXISTS (SELECT FROM pg_database WHERE datname = %(name)s)

-- create_database --
-- A copy of a template, owned by the owner role. Copying files takes a third of the time of copying through the log.
CREATE DATABASE {name} TEMPLATE {template} OWNER {owner} STRATEGY FILE_COPY

-- close_database --
-- A new database lets everybody in; ours lets in its owner and the app role, and the app makes no temporary tables.
REVOKE ALL ON DATABASE {name} FROM PUBLIC

-- open_database --
-- The app role may connect.
GRANT CONNECT ON DATABASE {name} TO {app}

-- drop_database --
-- Remove a database and whoever is still connected to it.
DROP DATABASE IF EXISTS {name} WITH (FORCE)

-- create_extension --
-- An extension, where it is not there yet.
CREATE EXTENSION IF NOT EXISTS {extension}

-- not_leakproof --
-- Operators' functions that row security would keep away from their indexes, as far as they exist here.
SELECT wanted.signature
  FROM unnest(%(signatures)s::text[]) AS wanted(signature)
  JOIN pg_proc ON pg_proc.oid = to_regprocedure(wanted.signature)
 WHERE NOT proleakproof

-- versions --
-- Version number of the server, and of PostGIS where it is installed in this database or could be.
SELECT current_setting('server_version_num')::int AS server,
       (SELECT extversion FROM pg_extension WHERE extname = 'postgis') AS postgis,
       (SELECT default_version FROM pg_available_extensions WHERE name = 'postgis') AS postgis_available

-- who_and_where --
-- The connected role, its database, and the number by which a database of the same name elsewhere is told apart.
SELECT current_user::text, current_database()::text,
       (SELECT oid::bigint FROM pg_database WHERE datname = current_database())

-- may_create --
-- Whether the connected role may make schemas here.
SELECT has_database_privilege(current_database(), 'CREATE')

-- role_powers --
-- What would let the connected role see rows that a policy hides.
SELECT rolsuper, rolbypassrls, pg_has_role(current_user, %(owner)s, 'MEMBER')
  FROM pg_roles WHERE rolname = current_user

-- is_app --
-- Whether the connected role is the app role, to which all grants and policies are given, or acts as it.
SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = %(app)s AND pg_has_role(current_user, oid, 'USAGE'))
