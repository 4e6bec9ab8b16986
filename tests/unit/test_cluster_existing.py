"""A server that somebody else runs: what is checked, and what the refusals tell a person to type."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr

from cop.errors import SetupTrouble
from cop.settings import Settings
from cop_server.cluster import Cluster, create_database, ensure_cluster, remove_cluster
from cop_server.cluster_existing import Store, check_server, find_store


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    parent = Path(tempfile.mkdtemp(prefix="cop-"))
    parent.chmod(0o755)
    yield ensure_cluster(parent / "cluster", durable=False)
    remove_cluster(parent / "cluster")
    shutil.rmtree(parent)


def test_a_good_server_is_taken_as_it_is(cluster: Cluster) -> None:
    settings = Settings(database_url=SecretStr(cluster.owner_dsn), app_database_url=SecretStr(cluster.app_dsn))
    assert find_store(settings) == Store(cluster.owner_dsn, cluster.app_dsn, private=False)


def test_without_an_address_the_private_cluster_is_used(cluster: Cluster) -> None:
    store = find_store(Settings(var=cluster.folder.parent, database_url=SecretStr("")))
    assert store == Store(cluster.owner_dsn, cluster.app_dsn, private=True)
    assert "cop_owner" not in repr(store)


def test_the_app_role_must_be_named(cluster: Cluster) -> None:
    with pytest.raises(SetupTrouble, match=r"CREATE ROLE cop_app LOGIN .* GRANT CONNECT ON DATABASE cop TO cop_app"):
        check_server(cluster.owner_dsn, "")


def test_an_app_role_that_sees_everything_is_refused(cluster: Cluster) -> None:
    for mighty in (cluster.owner_dsn, cluster.admin_dsn):
        with pytest.raises(SetupTrouble, match="may pass by row security"):
            check_server(cluster.owner_dsn, mighty)


def test_another_role_serves_as_app_once_it_may(cluster: Cluster) -> None:
    with psycopg.connect(cluster.admin_dsn, autocommit=True) as admin:
        admin.execute("CREATE ROLE reader LOGIN PASSWORD 'r'")
        admin.execute("GRANT CONNECT ON DATABASE cop TO reader")
        reader = f"postgresql://reader:r@127.0.0.1:{cluster.port}/cop"
        with pytest.raises(SetupTrouble, match="GRANT cop_app TO reader;"):
            check_server(cluster.owner_dsn, reader)
        admin.execute("GRANT cop_app TO reader")
    assert check_server(cluster.owner_dsn, reader).app_dsn == reader


def test_both_addresses_must_lead_to_the_same_database(cluster: Cluster) -> None:
    other = create_database(cluster, "other")
    with pytest.raises(SetupTrouble, match="points to the database other, COP_DATABASE_URL to another one, cop"):
        check_server(cluster.owner_dsn, other.app_dsn)


def test_an_owner_without_rights_is_told_the_grant(cluster: Cluster) -> None:
    with pytest.raises(SetupTrouble, match="GRANT CREATE ON DATABASE cop TO cop_app;"):
        check_server(cluster.app_dsn, cluster.app_dsn)


def test_a_database_without_postgis_is_told_the_command(cluster: Cluster) -> None:
    with psycopg.connect(cluster.admin_dsn, autocommit=True) as admin:
        admin.execute("CREATE DATABASE bare TEMPLATE template0 OWNER cop_owner")
    bare = cluster.at("bare")
    with pytest.raises(SetupTrouble, match="superuser in that database: CREATE EXTENSION postgis;"):
        check_server(bare.owner_dsn, bare.app_dsn)
    # A superuser as owner makes what is missing, marks included.
    assert check_server(bare.admin_dsn, bare.app_dsn).advice == ()


def test_a_foreign_server_without_the_mark_works_and_says_what_is_slow(cluster: Cluster) -> None:
    plain = create_database(cluster, "plain")
    with psycopg.connect(plain.admin_dsn) as admin:
        admin.execute("ALTER FUNCTION geometry_overlaps(geometry, geometry) NOT LEAKPROOF")
    (advice,) = check_server(plain.owner_dsn, plain.app_dsn).advice
    assert "right but slow" in advice
    assert "ALTER FUNCTION geometry_overlaps(geometry,geometry) LEAKPROOF;" in advice


def test_a_server_that_is_down_is_named_without_its_password() -> None:
    with pytest.raises(SetupTrouble, match=r"no connection to database 'cop' at 127\.0\.0\.1: .*refused") as trouble:
        check_server("postgresql://someone:secret@127.0.0.1:9/cop", "")
    assert "secret" not in str(trouble.value)


def test_an_address_that_cannot_be_read_is_not_repeated() -> None:
    with pytest.raises(SetupTrouble, match="write postgresql://") as trouble:
        check_server("postgres//someone:secret@here/cop", "")
    assert "secret" not in str(trouble.value)
