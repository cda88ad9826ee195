"""docs/postgresql.md, carried out: SQL by an administrator, configuration with TLS, backup and restoring."""

import re
import shutil
from pathlib import Path

import pytest
from tests.support.certificates import TestAuthority
from tests.support.postgresql import postgresql
from tests.support.store_process import StoreProcess
from tests.support.store_talk import ask, eventually

from holdfast.storage.postgresql.settings import read_settings

GUIDE = (Path(__file__).parents[2] / "docs" / "postgresql.md").read_text(encoding="utf-8")
HBA = "local all all trust\nhost all boss 127.0.0.1/32 trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n"


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)


@pytest.fixture
def server(tmp_path):
    with postgresql(hba=HBA) as running:
        running.authority = TestAuthority()
        for source, name in zip(
            running.authority.issue(tmp_path, "db"), ("server.crt", "server.key"), strict=True
        ):
            shutil.copy(source, running.data / name)
            shutil.chown(running.data / name, running.data.owner())
            (running.data / name).chmod(0o600)
        running.run("ALTER SYSTEM SET ssl = on")
        running.run("SELECT pg_reload_conf()")
        running.run("DROP DATABASE holdfast", database="postgres")
        yield running


def run_all(server, block, database):
    for statement in filter(str.strip, block.split(";")):
        server.run(statement, database=database)


def storage(server, directory, more=""):
    """Return the guide's storage stanza with the test's server, certificate and password in it."""
    (stanza,) = re.findall(r"^storage .*?^}$", blocks("hcl")[0], re.DOTALL | re.MULTILINE)
    server.authority.write_authority(directory / "db-ca.pem")
    (directory / "db-password").write_text("change-me\n")
    stanza = stanza.replace("db.example:5432", f"localhost:{server.port}")
    return stanza.replace("/etc/holdfast", str(directory)).replace("\n}", f"\n{more}}}") + "\n"


@pytest.mark.parametrize("made_by", ["the store", "an administrator"])
def test_the_guide_leads_to_a_store(server, tmp_path, made_by):
    role, table = blocks("sql")
    run_all(server, role, "postgres")
    more = ""
    if made_by == "an administrator":
        server.run("ALTER DATABASE holdfast OWNER TO boss", database="postgres")
        run_all(server, table, "holdfast")
        more = "  skip_create_table = true\n"
    stanza = storage(server, tmp_path, more)
    assert "verify" not in stanza
    with StoreProcess(tmp_path, storage=stanza, settings='cluster {\n  node_id = "store-1"\n}\n') as store:
        store.initialize()
        assert ask(store, "PUT", "/v1/secret/data/a", {"data": {"k": "v"}}).status == 200
        sessions = (
            "SELECT bool_and(ssl), count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) "
            "WHERE application_name = 'holdfast'"
        )
        eventually(lambda: server.run(sessions) == [(True, 4)])  # one may just be replaced
        dump = server.dump(schema="holdfast")  # while it runs
        ask(store, "PUT", "/v1/secret/data/a", {"data": {"k": "later"}})
        store.stop()
        server.run("DROP SCHEMA holdfast CASCADE")
        server.restore(dump)
        store.start()
        store.unseal()
        assert ask(store, "GET", "/v1/secret/data/a").json["data"]["data"] == {"k": "v"}
    owner = "boss" if made_by == "an administrator" else "holdfast"
    tables = server.run(
        "SELECT schemaname, tablename, tableowner FROM pg_tables WHERE schemaname = 'holdfast'"
    )
    assert tables == [("holdfast", "store", owner)]


def test_every_setting_is_in_the_guide_and_every_default_is_true():
    rows = dict(re.findall(r"^\| `(\w+)` \| (?:`?([^`|]*)`?) ?\|", GUIDE, re.MULTILINE))
    read = read_settings({"connection_url": "postgres://holdfast@127.0.0.1/holdfast"})
    assert rows["table"] == f"{read.schema}.{read.table}"
    assert rows["skip_create_table"] == str(not read.create_table).lower()
    assert rows["request_timeout"] == f"{read.patience_seconds:.0f}s"
    for name in ("connection_url", "password_file", "unsafe_unverified_server"):
        assert name in rows
    for ignored in ("max_parallel", "max_idle_connections", "ha_enabled", "ha_table"):
        assert f"`{ignored}`" in GUIDE
