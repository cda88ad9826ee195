"""What a store demands of its PostgreSQL, how it says what is wrong, and what it leaves alone."""

import logging
import re
import shutil
import threading

import pytest
from tests.support.certificates import TestAuthority
from tests.support.postgresql import postgresql

from holdfast.errors import InternalError
from holdfast.storage import StorageBrokenError, StorageFullError, StorageUnavailableError
from holdfast.storage.postgresql import PostgresqlStorage, read_settings

PASSWORD = "hush-4711-hush"
HBA = """
local all all trust
host all boss 127.0.0.0/8 trust
host all clear 127.0.0.0/8 password
host barred all 127.0.0.0/8 reject
host all all 127.0.0.0/8 scram-sha-256
"""


@pytest.fixture(scope="module")
def server():
    with postgresql(hba=HBA, settings="listen_addresses = '127.0.0.1,127.0.0.2'") as running:
        for role in ("holder", "guest", "clear"):
            running.run(f"CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'")
        running.run("CREATE DATABASE barred")
        running.run("GRANT CREATE ON DATABASE holdfast TO holder")
        yield running


@pytest.fixture
def fresh(server):
    """Drop every schema of ours before the test."""
    server.run("DROP SCHEMA IF EXISTS holdfast CASCADE")
    return server


def opened(url, **options):
    readonly = options.pop("readonly", False)
    return PostgresqlStorage(
        read_settings({"connection_url": url, "request_timeout": "30s", **options}), readonly=readonly
    )


def refused(url, text, error=StorageUnavailableError, **options):
    """Return the refusal; it is told when the patience is over, and a busy machine needs more of that."""
    for patience in ("1s", "15s"):
        with pytest.raises(error) as caught:
            opened(url, **{"request_timeout": patience, **options})
        assert PASSWORD not in caught.value.message + caught.value.detail
        if re.search(text, caught.value.message):
            break
    assert re.search(text, caught.value.message)
    return caught.value


def put(key, value):
    return lambda transaction: transaction.put(key, value)


# Schema and table


def test_a_first_start_makes_one_table_in_a_schema_of_its_own(fresh):
    storage = opened(fresh.url(user="holder", password=PASSWORD))
    storage.write(put("a", b"1"))
    storage.close()
    tables = fresh.run(
        "SELECT schemaname, tablename, tableowner FROM pg_tables "
        "WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
    )
    assert tables == [("holdfast", "store", "holder")]
    again = opened(fresh.url(user="holder", password=PASSWORD))
    assert again.get("a") == b"1"
    again.close()


def test_nodes_that_start_for_the_first_time_at_once_share_one_table(fresh):
    opens, errors = [], []

    def start():
        try:
            opens.append(opened(fresh.url(), request_timeout="10s"))
        except StorageUnavailableError as error:
            errors.append((error.message, error.detail))

    threads = [threading.Thread(target=start) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    opens[0].write(put("a", b"1"))
    for storage in opens:
        storage.catch_up()
        assert storage.get("a") == b"1"
        storage.close()


def test_a_table_that_others_make_is_enough(fresh):
    url = fresh.url(user="guest", password=PASSWORD)
    refused(url, "holds no store.*skip_create_table", skip_create_table=True)
    refused(url, "grants us too little.*CREATE on the database")
    fresh.run("CREATE SCHEMA holdfast")
    fresh.run("CREATE TABLE holdfast.store (key bytea PRIMARY KEY, value bytea NOT NULL)")
    refused(url, "grants us too little", skip_create_table=True)
    fresh.run("GRANT USAGE ON SCHEMA holdfast TO guest")
    fresh.run("GRANT SELECT, INSERT, UPDATE, DELETE ON holdfast.store TO guest")
    storage = opened(url, skip_create_table=True)
    storage.write(put("a", b"1"))
    fresh.run("REVOKE INSERT ON holdfast.store FROM guest")
    with pytest.raises(StorageUnavailableError, match="grants us too little"):
        storage.write(put("b", b"1"))
    fresh.run("GRANT INSERT ON holdfast.store TO guest")
    storage.write(put("b", b"2"))
    assert storage.list("") == ["a", "b"]
    storage.close()


@pytest.mark.parametrize(
    "statements",
    [
        pytest.param(["CREATE TABLE holdfast.store (path text, value bytea)"], id="other-columns"),
        pytest.param(["CREATE TABLE holdfast.store (key text, value bytea)"], id="other-types"),
        pytest.param(
            [
                "CREATE TABLE holdfast.store (key bytea PRIMARY KEY, value bytea)",
                "INSERT INTO holdfast.store VALUES ('a', 'b')",
            ],
            id="other-rows",
        ),
    ],
)
def test_a_table_of_somebody_else_is_left_alone(fresh, statements):
    fresh.run("CREATE SCHEMA holdfast")
    for statement in statements:
        fresh.run(statement)
    before = fresh.run("SELECT * FROM holdfast.store")
    refused(fresh.url(), "something else lies in the configured table", StorageBrokenError)
    assert fresh.run("SELECT * FROM holdfast.store") == before


def test_a_layout_of_a_newer_holdfast_is_left_alone(fresh):
    storage = opened(fresh.url())
    fresh.run("UPDATE holdfast.store SET value = '2' WHERE key = '/format'")
    with pytest.raises(StorageBrokenError, match="newer Holdfast"):
        storage.write(put("a", b"1"))
    storage.close()
    refused(fresh.url(), "newer Holdfast", StorageBrokenError)
    refused(fresh.url(), "newer Holdfast", StorageBrokenError, readonly=True)


def test_a_reader_makes_no_table_and_changes_nothing(fresh):
    refused(fresh.url(), "holds no store", readonly=True)
    assert fresh.run("SELECT 1 FROM pg_namespace WHERE nspname = 'holdfast'") == []
    writer = opened(fresh.url())
    reader = opened(fresh.url(), readonly=True)
    writer.write(put("a", b"1"))
    reader.catch_up()
    assert reader.get("a") == b"1"
    with pytest.raises(StorageUnavailableError, match="reading only"):
        reader.write(put("a", b"2"))
    writer.close()
    reader.close()


# Who lets us in


@pytest.mark.parametrize(
    ("how", "text"),
    [
        pytest.param({"user": "holder", "password": PASSWORD + "x"}, "user or password", id="password"),
        pytest.param({"user": "holder"}, "one in password_file", id="no-password"),
        pytest.param({"user": "nobody", "password": PASSWORD}, "user or password", id="no-such-role"),
        pytest.param({"database": "elsewhere"}, "no such database", id="no-such-database"),
        pytest.param({"user": "clear", "password": PASSWORD}, "clear text", id="password-in-clear-text"),
        pytest.param({"port": 1}, "PostgreSQL is away", id="nobody-listens"),
        pytest.param({"more": "?sslmode=require"}, "speaks no TLS", id="no-tls"),
    ],
)
def test_what_keeps_us_out_is_said_with_what_to_do(server, how, text, caplog):
    caplog.set_level(logging.DEBUG)
    error = refused(server.url(**how), text)
    assert error.detail
    assert PASSWORD not in caplog.text


def test_of_several_hosts_the_one_that_serves_is_found(fresh):
    url = fresh.url().replace(f"127.0.0.1:{fresh.port}", f"127.0.0.1:1,127.0.0.1:{fresh.port}")
    storage = opened(url, request_timeout="5s")
    storage.write(put("a", b"1"))
    assert storage.get("a") == b"1"
    storage.close()


def test_a_password_file_lets_us_in_and_is_nowhere_repeated(fresh, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    (tmp_path / "password").write_text(PASSWORD + "\n")
    storage = opened(fresh.url(user="holder"), password_file=str(tmp_path / "password"))
    storage.write(put("a", b"1"))
    fresh.end_sessions()
    assert storage.get("a") == b"1"
    storage.write(put("a", b"2"))
    storage.close()
    assert PASSWORD not in caplog.text + fresh.log().replace(f"PASSWORD '{PASSWORD}'", "")


def test_the_servers_certificate_is_verified(server, tmp_path):
    authority, other = TestAuthority(), TestAuthority("another")
    certificate, key = authority.issue(tmp_path, "server")
    trusted = authority.write_authority(tmp_path / "trusted.pem")
    untrusted = other.write_authority(tmp_path / "untrusted.pem")
    for source, name in ((certificate, "server.crt"), (key, "server.key")):
        target = server.data / name
        shutil.copy(source, target)
        shutil.chown(target, server.data.owner())
        target.chmod(0o600)
    server.run("ALTER SYSTEM SET ssl = on")
    server.run("SELECT pg_reload_conf()")
    storage = opened(server.url(more=f"?sslmode=verify-full&sslrootcert={trusted}"), request_timeout="5s")
    assert server.run(
        "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) "
        "WHERE application_name = 'holdfast'"
    ) == [(True,)]
    storage.close()
    refused(server.url(more=f"?sslmode=verify-full&sslrootcert={untrusted}"), "authority in sslrootcert")
    elsewhere = server.url(more=f"?sslmode=verify-full&sslrootcert={trusted}").replace(
        "127.0.0.1", "127.0.0.2"
    )
    refused(elsewhere, "another host name")


# What a server must promise


def test_commits_are_flushed_whatever_the_server_does_by_default(fresh):
    fresh.run("ALTER ROLE holder SET synchronous_commit = off")
    try:
        storage = opened(fresh.url(user="holder", password=PASSWORD))
        seen = storage._writer.ask(
            lambda connection: connection.execute("SHOW synchronous_commit").fetchone(), silence_seconds=5
        )
        assert seen == ("on",)
        storage.close()
    finally:
        fresh.run("ALTER ROLE holder RESET synchronous_commit")


def test_a_server_that_takes_no_changes_is_refused_with_what_to_do(fresh):
    storage = opened(fresh.url(user="holder", password=PASSWORD))
    storage.write(put("a", b"1"))
    fresh.run("ALTER ROLE holder SET default_transaction_read_only = on")
    try:
        fresh.end_sessions()
        with pytest.raises(StorageUnavailableError, match=r"takes no changes.*connect to the primary"):
            storage.write(put("a", b"2"))
        assert storage.get("a") == b"1"
    finally:
        fresh.run("ALTER ROLE holder RESET default_transaction_read_only")
    fresh.end_sessions()
    storage.write(put("a", b"2"))
    storage.close()


def test_a_standby_and_a_server_without_flushes_are_refused():
    with postgresql() as server:
        opened(server.url()).close()
        server.stop()
        (server.data / "standby.signal").touch()
        server.start()
        refused(server.url(), "a standby; connect to the primary", request_timeout="2s")
        server.stop()
        (server.data / "standby.signal").unlink()
        with (server.data / "postgresql.conf").open("a") as config:
            config.write("fsync = off\n")
        server.start()
        refused(server.url(), "fsync = on", request_timeout="2s")


def test_a_table_space_that_is_full_is_said_and_nothing_is_changed(fresh):
    """A trigger says what PostgreSQL says when the disk is full: a full disk would end the whole server."""
    storage = opened(fresh.url())
    storage.write(put("a", b"1"))
    fresh.run(
        "CREATE FUNCTION holdfast.full() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION USING ERRCODE = '53100', MESSAGE = 'no room'; END $$"
    )
    fresh.run(
        "CREATE TRIGGER no_room BEFORE INSERT ON holdfast.store FOR EACH ROW EXECUTE FUNCTION holdfast.full()"
    )
    with pytest.raises(StorageFullError, match="no room left"):
        storage.write(put("a", b"2"))
    fresh.run("DROP TRIGGER no_room ON holdfast.store")
    storage.catch_up()
    assert storage.get("a") == b"1"
    storage.write(put("a", b"3"))
    storage.close()


# Values and batches


def test_a_value_of_64_mebibytes_comes_back(fresh):
    value = bytes(range(256)) * (64 * 4096)
    storage = opened(fresh.url(), request_timeout="60s")
    assert storage.write_all([put("big/a", value), put("big/b", value[:-1]), put("small", b"")]) == [None] * 3
    reader = opened(fresh.url(), readonly=True)
    assert reader.get("big/a") == value
    assert reader.get("big/b") == value[:-1]
    assert storage.list("big/") == ["a", "b"]
    reader.close()
    storage.close()


def test_a_batch_is_one_commit(fresh):
    storage = opened(fresh.url())
    before = storage.revision()
    storage.write_all([put(f"batch/{number:04}", b"x") for number in range(2000)])
    assert storage.revision() == before + 1
    assert len(storage.list("batch/", limit=5000)) == 2000
    storage.close()


def test_a_change_that_starts_another_is_a_defect_and_changes_nothing(fresh):
    storage = opened(fresh.url())

    def change(transaction):
        transaction.put("outer", b"1")
        storage.write(put("inner", b"1"))

    with pytest.raises(InternalError):
        storage.write(change)
    assert storage.list("") == []
    storage.write(put("a", b"1"))
    assert storage.revision() == 1
    storage.close()


def test_the_log_of_commits_stays_short(fresh):
    storage = opened(fresh.url())
    for number in range(1020):
        storage.write(put("a", b"%d" % number))
    [(rows,)] = fresh.run(
        "SELECT count(*) FROM holdfast.store WHERE key >= '/commit/'::bytea AND key < '/commit0'::bytea"
    )
    assert rows == 1000
    storage.close()
