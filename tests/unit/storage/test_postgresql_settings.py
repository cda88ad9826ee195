"""The stanza of a store on PostgreSQL: what it says, what is refused, and that no password is repeated."""

import pytest

from holdfast.errors import InvalidInputError
from holdfast.storage.postgresql import read_settings

URL = "postgres://holdfast@127.0.0.1/holdfast"
FAR = "postgres://holdfast@db.example/holdfast"


def settings(url=URL, **options):
    return read_settings({"connection_url": url, **options})


def test_defaults():
    read = settings()
    assert dict(read.server) == {
        "user": "holdfast", "host": "127.0.0.1", "port": "5432", "dbname": "holdfast", "sslmode": "prefer",
    }  # fmt: skip
    assert (read.schema, read.table, read.create_table, read.patience_seconds) == (
        "holdfast",
        "store",
        True,
        10,
    )


def test_names_of_vault_are_taken():
    read = settings(
        table="vault_kv_store", ha_enabled="true", ha_table="locks", max_parallel=128,
        max_idle_connections=3, skip_create_table=True,
    )  # fmt: skip
    assert (read.schema, read.table, read.create_table) == ("holdfast", "vault_kv_store", False)


def test_key_value_pairs_do_as_well():
    read = settings("host=/run/postgresql user=holdfast dbname=secrets port=5433")
    assert (read.server["host"], read.server["dbname"], read.server["port"]) == (
        "/run/postgresql", "secrets", "5433",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("url", "is_verified"),
    [
        pytest.param(FAR, True, id="far-away"),
        pytest.param(FAR + "?sslmode=verify-full", True, id="as-written"),
        pytest.param("postgres://u@127.0.0.1,db.example/d", True, id="one-of-two-far-away"),
        pytest.param("postgres://u@localhost.example/d", True, id="a-name-like-localhost"),
        pytest.param("postgres://u@127.0.0.1,[::1]/d", False, id="loopback"),
        pytest.param("postgres://u@localhost/d", False, id="localhost"),
        pytest.param("postgres://u@/d?host=/run/postgresql", False, id="socket"),
        pytest.param("postgres://u@127.0.0.1/d?sslmode=verify-full", True, id="loopback-verified"),
    ],
)
def test_a_server_beyond_this_machine_is_verified(url, is_verified):
    read = settings(url)
    assert read.is_verified is is_verified
    assert ("sslrootcert" in read.server) is is_verified


@pytest.mark.parametrize("mode", ["disable", "allow", "prefer", "require", "verify-ca"])
def test_less_needs_the_ugly_switch(mode):
    url = f"{FAR}?sslmode={mode}"
    with pytest.raises(InvalidInputError, match=r"expected sslmode=verify-full.*unsafe_unverified_server"):
        settings(url)
    assert settings(url, unsafe_unverified_server=True).is_verified is False


def test_the_password_is_read_from_its_file_and_not_repeated(tmp_path):
    (tmp_path / "password").write_text("hush-hush\n")
    from_file = settings(password_file=str(tmp_path / "password"))
    from_url = settings("postgres://u:hush%2Dhush@127.0.0.1/d")
    assert from_file.password == from_url.password == "hush-hush"
    for read in (from_file, from_url):
        assert "hush" not in repr(read) + read.place + str(read.server)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        pytest.param({}, "connection_url is required", id="no-url"),
        pytest.param({"connection_url": 7}, "connection_url: expected a text", id="number-as-url"),
        pytest.param({"connection_url": "hush"}, "expected postgres://", id="not-a-url"),
        pytest.param({"connection_url": "postgres://u:hu@sh/s@h/d"}, "percent-encoded", id="at-in-password"),
        pytest.param(
            {"connection_url": "postgres://u:hush/1@h/d"}, "percent-encoded", id="slash-in-password"
        ),
        pytest.param(
            {"connection_url": "postgres://u:a?b@hush@h/d"}, "percent-encoded", id="at-in-password-late"
        ),
        pytest.param({"connection_url": "postgres://u:p@h:hush/d"}, "a number as port", id="port"),
        pytest.param({"connection_url": "postgres://u@/d"}, "expected a host", id="no-host"),
        pytest.param({"connection_url": "postgres://127.0.0.1/d"}, "expected a user", id="no-user"),
        pytest.param({"connection_url": "postgres://u@h"}, "expected a database", id="no-database"),
        pytest.param({"connection_url": URL + "?options=-cfsync"}, "options is not taken", id="options"),
        pytest.param({"connection_url": URL + "?hostaddr=10.1.1.1"}, "hostaddr is not", id="hostaddr"),
        pytest.param({"connection_url": URL + "?sslmode=hush"}, "sslmode to be one of", id="sslmode"),
        pytest.param({"connection_url": FAR + "?sslrootcert=/none"}, "sslrootcert: expected", id="authority"),
        pytest.param({"connection_url": URL, "paht": "y"}, "unknown option paht", id="misspelt"),
        pytest.param({"connection_url": URL, "table": "a;b"}, "table: expected", id="table"),
        pytest.param({"connection_url": URL, "table": 'a."b"'}, "table: expected", id="table-quoted"),
        pytest.param({"connection_url": URL, "table": "a.b.c"}, "table: expected", id="table-three-words"),
        pytest.param({"connection_url": URL, "table": "Store"}, "table: expected", id="table-capital"),
        pytest.param({"connection_url": URL, "skip_create_table": "no"}, "true or false", id="flag"),
        pytest.param({"connection_url": URL, "request_timeout": "0s"}, "request_timeout", id="no-patience"),
        pytest.param({"connection_url": URL, "request_timeout": "1h"}, "request_timeout", id="too-patient"),
        pytest.param({"connection_url": URL, "password_file": "/none"}, "cannot be read", id="no-file"),
        pytest.param({"connection_url": URL, "password_file": "/dev/null"}, "one password", id="empty-file"),
        pytest.param(
            {"connection_url": "postgres://u:hush@127.0.0.1/d", "password_file": "/dev/null"},
            "not both",
            id="two-passwords",
        ),
    ],
)
def test_a_stanza_that_cannot_be_right_is_refused_and_not_repeated(options, text):
    with pytest.raises(InvalidInputError, match=text) as caught:
        read_settings(options)
    assert "hush" not in str(caught.value)
    assert caught.value.__cause__ is None
