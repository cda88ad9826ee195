"""What each command of holdfast asks of a server, and what it prints: the calls that every Vault serves."""

import io
import json
import os
import sys

import pytest

from holdfast.cli.holdfast.commands import PROGRAM

MOUNT_V2 = {"data": {"path": "secret/", "type": "kv", "options": {"version": "2"}}}
MOUNT_V1 = {"data": {"path": "kv/", "type": "kv", "options": None}}
VERSION = {
    "created_time": "2019-06-19T17:20:22.985303Z",
    "custom_metadata": None,
    "deletion_time": "",
    "destroyed": False,
    "version": 1,
}
DELETED_VERSION = VERSION | {"deletion_time": "2019-06-20T09:00:00Z"}
SEALED = {
    "type": "shamir",
    "initialized": True,
    "sealed": True,
    "n": 5,
    "t": 3,
    "progress": 1,
    "nonce": "d3d06528-aafd-c63d-a93c-e63ddb34b2a9",
    "version": "1.7.0",
    "storage_type": "raft",
}


@pytest.fixture
def secret(wire):
    """A wire whose mount table has ``secret/`` (version 2) and ``kv/`` (version 1)."""
    wire.answers["GET", "/v1/sys/internal/ui/mounts/secret"] = (200, MOUNT_V2)
    for below in ("app", "team/app", "team"):
        wire.answers["GET", f"/v1/sys/internal/ui/mounts/secret/{below}"] = (200, MOUNT_V2)
        wire.answers["GET", f"/v1/sys/internal/ui/mounts/kv/{below}"] = (200, MOUNT_V1)
    wire.answers["PUT", "/v1/secret/data/app"] = (200, {"data": VERSION})
    wire.answers["PUT", "/v1/kv/app"] = (204, None)
    return wire


def pipe(monkeypatch, content):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))


@pytest.mark.parametrize(
    ("words", "request_"),
    [
        pytest.param(
            ["kv", "put", "secret/app", "a=1"],
            ("PUT", "/v1/secret/data/app", {"data": {"a": "1"}, "options": {}}),
            id="put",
        ),
        pytest.param(
            ["kv", "put", "-mount=secret", "app", "a=1", "-cas=0"],
            ("PUT", "/v1/secret/data/app", {"data": {"a": "1"}, "options": {"cas": 0}}),
            id="put-with-mount-and-cas",
        ),
        pytest.param(["kv", "put", "kv/app", "a=1"], ("PUT", "/v1/kv/app", {"a": "1"}), id="put-v1"),
        pytest.param(
            ["kv", "patch", "secret/app", "a=1"],
            ("PATCH", "/v1/secret/data/app", {"data": {"a": "1"}, "options": {}}),
            id="patch",
        ),
        pytest.param(["kv", "get", "/secret/app/"], ("GET", "/v1/secret/data/app", None), id="get"),
        pytest.param(
            ["kv", "get", "-version=3", "secret/app"],
            ("GET", "/v1/secret/data/app?version=3", None),
            id="get-version",
        ),
        pytest.param(["kv", "get", "kv/app"], ("GET", "/v1/kv/app", None), id="get-v1"),
        pytest.param(
            ["kv", "list", "secret/team"], ("GET", "/v1/secret/metadata/team/?list=true", None), id="list"
        ),
        pytest.param(["kv", "list", "kv/team"], ("GET", "/v1/kv/team/?list=true", None), id="list-v1"),
        pytest.param(
            ["kv", "list", "-mount=secret"], ("GET", "/v1/secret/metadata/?list=true", None), id="list-mount"
        ),
        pytest.param(["kv", "delete", "secret/app"], ("DELETE", "/v1/secret/data/app", None), id="delete"),
        pytest.param(
            ["kv", "delete", "-versions=1,2", "secret/app"],
            ("PUT", "/v1/secret/delete/app", {"versions": [1, 2]}),
            id="delete-versions",
        ),
        pytest.param(
            ["kv", "undelete", "-versions=1", "secret/app"],
            ("PUT", "/v1/secret/undelete/app", {"versions": [1]}),
            id="undelete",
        ),
        pytest.param(
            ["kv", "destroy", "-versions", "7", "secret/app"],
            ("PUT", "/v1/secret/destroy/app", {"versions": [7]}),
            id="destroy",
        ),
        pytest.param(
            ["kv", "metadata", "get", "secret/app"], ("GET", "/v1/secret/metadata/app", None), id="metadata"
        ),
        pytest.param(
            ["kv", "metadata", "delete", "secret/app"],
            ("DELETE", "/v1/secret/metadata/app", None),
            id="metadata-delete",
        ),
        pytest.param(
            ["kv", "metadata", "put", "-max-versions=3", "-cas-required=false", "secret/app"],
            ("PUT", "/v1/secret/metadata/app", {"max_versions": 3, "cas_required": False}),
            id="metadata-put",
        ),
        pytest.param(
            ["kv", "metadata", "put", "-cas-required", "secret/app"],
            ("PUT", "/v1/secret/metadata/app", {"cas_required": True}),
            id="metadata-put-switch",
        ),
        pytest.param(
            ["kv", "metadata", "patch", "-custom-metadata=a=b=c", "-remove-custom-metadata=d", "secret/app"],
            ("PATCH", "/v1/secret/metadata/app", {"custom_metadata": {"a": "b=c", "d": None}}),
            id="metadata-patch",
        ),
        pytest.param(
            ["kv", "patch", "-remove-data=a", "secret/app"],
            ("PATCH", "/v1/secret/data/app", {"data": {"a": None}, "options": {}}),
            id="patch-remove",
        ),
        pytest.param(
            ["kv", "enable-versioning", "secret/"],
            ("POST", "/v1/sys/mounts/secret/tune", {"options": {"version": "2"}}),
            id="enable-versioning",
        ),
        pytest.param(
            ["kv", "search", "db", "-below=secret", "-glob=*", "-custom-metadata=a=b"],
            (
                "POST",
                "/v1/sys/kv/search",
                {"below": "secret", "contains": "db", "glob": "*", "custom_metadata": {"a": "b"}},
            ),
            id="search",
        ),
        pytest.param(["read", "sys/x"], ("GET", "/v1/sys/x", None), id="read"),
        pytest.param(["write", "sys/x", "a=1"], ("PUT", "/v1/sys/x", {"a": "1"}), id="write"),
        pytest.param(["write", "-f", "sys/x"], ("PUT", "/v1/sys/x", {}), id="write-forced"),
        pytest.param(["list", "sys/x"], ("GET", "/v1/sys/x?list=true", None), id="list-any"),
        pytest.param(["delete", "sys/x"], ("DELETE", "/v1/sys/x", None), id="delete-any"),
        pytest.param(["policy", "list"], ("GET", "/v1/sys/policies/acl?list=true", None), id="policy-list"),
        pytest.param(["policy", "read", "P"], ("GET", "/v1/sys/policies/acl/p", None), id="policy-read"),
        pytest.param(
            ["policy", "delete", "P"], ("DELETE", "/v1/sys/policies/acl/p", None), id="policy-delete"
        ),
        pytest.param(
            ["secrets", "enable", "-path=a/b", "-version=2", "kv"],
            (
                "POST",
                "/v1/sys/mounts/a/b",
                {"type": "kv", "description": "", "options": {"version": "2"}},
            ),
            id="secrets-enable",
        ),
        pytest.param(
            ["secrets", "disable", "a/"], ("DELETE", "/v1/sys/mounts/a", None), id="secrets-disable"
        ),
        pytest.param(["secrets", "list"], ("GET", "/v1/sys/mounts", None), id="secrets-list"),
        pytest.param(
            ["token", "create", "-policy=p", "-policy=q", "-ttl=30m", "-metadata=k=v", "-renewable=false"],
            (
                "POST",
                "/v1/auth/token/create",
                {
                    "policies": ["p", "q"],
                    "ttl": "30m",
                    "meta": {"k": "v"},
                    "renewable": False,
                    "no_default_policy": False,
                },
            ),
            id="token-create",
        ),
        pytest.param(["token", "lookup"], ("GET", "/v1/auth/token/lookup-self", None), id="token-lookup"),
        pytest.param(
            ["token", "lookup", "-accessor=a"],
            ("POST", "/v1/auth/token/lookup-accessor", {"accessor": "a"}),
            id="token-lookup-accessor",
        ),
        pytest.param(
            ["token", "renew", "-increment=1h"],
            ("PUT", "/v1/auth/token/renew-self", {"increment": "1h"}),
            id="token-renew",
        ),
        pytest.param(
            ["token", "revoke", "-self"], ("PUT", "/v1/auth/token/revoke-self", None), id="token-revoke-self"
        ),
        pytest.param(["operator", "seal"], ("PUT", "/v1/sys/seal", None), id="seal"),
        pytest.param(["operator", "key-status"], ("GET", "/v1/sys/key-status", None), id="key-status"),
        pytest.param(
            ["security", "secrets", "get", "/a/b"],
            ("GET", "/secrets/v1/secret/default/a/b", None),
            id="dcos-get",
        ),
        pytest.param(
            ["security", "secrets", "list", "-s", "other", "/"],
            ("GET", "/secrets/v1/secret/other/?list=true", None),
            id="dcos-list",
        ),
        pytest.param(
            ["security", "secrets", "create", "-v", "x", "a"],
            ("PUT", "/secrets/v1/secret/default/a", {"value": "x"}),
            id="dcos-create",
        ),
        pytest.param(
            ["security", "secrets", "update", "--value=x", "a"],
            ("PATCH", "/secrets/v1/secret/default/a", {"value": "x"}),
            id="dcos-update",
        ),
        pytest.param(
            ["security", "secrets", "delete", "a"],
            ("DELETE", "/secrets/v1/secret/default/a", None),
            id="dcos-delete",
        ),
    ],
)
def test_the_call_a_command_makes(secret, words, request_):
    PROGRAM.main(words)
    assert request_ in secret.requests


@pytest.mark.parametrize(
    ("words", "answer", "code", "printed"),
    [
        pytest.param(
            ["kv", "put", "secret/app", "my-value=x"],
            None,
            0,
            """\
Key              Value
---              -----
created_time     2019-06-19T17:20:22.985303Z
deletion_time    n/a
destroyed        false
version          1
""",
            id="put",
        ),
        pytest.param(
            ["kv", "put", "kv/app", "a=1"], None, 0, "Success! Data written to: kv/app\n", id="put-v1"
        ),
        pytest.param(["kv", "put", "secret/app", "a=1", "-field=version"], None, 0, "1", id="put-field"),
        pytest.param(
            ["kv", "get", "secret/app"],
            (
                "GET",
                "/v1/secret/data/app",
                200,
                {"data": {"data": {"my-value": "s3cr3t"}, "metadata": VERSION}},
            ),
            0,
            """\
= Secret Path =
secret/data/app

======= Metadata =======
Key                Value
---                -----
created_time       2019-06-19T17:20:22.985303Z
custom_metadata    <nil>
deletion_time      n/a
destroyed          false
version            1

====== Data ======
Key         Value
---         -----
my-value    s3cr3t
""",
            id="get",
        ),
        pytest.param(
            ["kv", "get", "-field=pem", "secret/app"],
            (
                "GET",
                "/v1/secret/data/app",
                200,
                {"data": {"data": {"pem": "a\nb\x1b\n"}, "metadata": VERSION}},
            ),
            0,
            "a\nb\x1b\n",
            id="get-field-is-exact",
        ),
        pytest.param(
            ["kv", "get", "-field=nope", "secret/app"],
            ("GET", "/v1/secret/data/app", 200, {"data": {"data": {"a": "1"}, "metadata": VERSION}}),
            1,
            "",
            id="get-field-missing",
        ),
        pytest.param(["kv", "get", "secret/app"], None, 2, "", id="get-missing"),
        pytest.param(
            ["kv", "get", "secret/app"],
            ("GET", "/v1/secret/data/app", 404, {"data": {"data": None, "metadata": DELETED_VERSION}}),
            0,
            """\
= Secret Path =
secret/data/app

======= Metadata =======
Key                Value
---                -----
created_time       2019-06-19T17:20:22.985303Z
custom_metadata    <nil>
deletion_time      2019-06-20T09:00:00Z
destroyed          false
version            1

""",
            id="get-deleted",
        ),
        pytest.param(
            ["kv", "get", "-field=my-value", "secret/app"],
            ("GET", "/v1/secret/data/app", 404, {"data": {"data": None, "metadata": DELETED_VERSION}}),
            1,
            "",
            id="get-field-of-deleted",
        ),
        pytest.param(
            ["kv", "get", "-format=json", "secret/app"],
            ("GET", "/v1/secret/data/app", 404, {"data": {"data": None, "metadata": {"version": 1}}}),
            0,
            """\
{
  "data": {
    "data": null,
    "metadata": {
      "version": 1
    }
  }
}
""",
            id="get-deleted-json",
        ),
        pytest.param(
            ["kv", "list", "secret/team"],
            ("GET", "/v1/secret/metadata/team/?list=true", 200, {"data": {"keys": ["a", "b/"]}}),
            0,
            "Keys\n----\na\nb/\n",
            id="list",
        ),
        pytest.param(
            ["kv", "list", "-format=json", "secret/team"],
            ("GET", "/v1/secret/metadata/team/?list=true", 200, {"data": {"keys": ["a", "b/"]}}),
            0,
            '[\n  "a",\n  "b/"\n]\n',
            id="list-json",
        ),
        pytest.param(
            ["read", "kv/app"],
            (
                "GET",
                "/v1/kv/app",
                200,
                {"lease_id": "", "lease_duration": 2_764_800, "data": {"b": "2", "a": 1}},
            ),
            0,
            """\
Key                 Value
---                 -----
refresh_interval    768h
a                   1
b                   2
""",
            id="read",
        ),
        pytest.param(
            ["read", "secret/subkeys/app"],
            ("GET", "/v1/secret/subkeys/app", 404, {"data": {"subkeys": None}}),
            0,
            "Key        Value\n---        -----\nsubkeys    <nil>\n",
            id="read-deleted",
        ),
        pytest.param(
            ["token", "lookup"],
            (
                "GET",
                "/v1/auth/token/lookup-self",
                200,
                {"data": {"creation_ttl": 5400, "entity_id": "", "explicit_max_ttl": 0, "num_uses": 7}},
            ),
            0,
            """\
Key                 Value
---                 -----
creation_ttl        1h30m
entity_id           n/a
explicit_max_ttl    0s
num_uses            7
""",
            id="token-lookup",
        ),
        pytest.param(
            ["policy", "delete", "P"],
            ("DELETE", "/v1/sys/policies/acl/p", 204, None),
            0,
            "Success! Deleted policy: p\n",
            id="policy",
        ),
        pytest.param(
            ["secrets", "list"],
            (
                "GET",
                "/v1/sys/mounts",
                200,
                {"data": {"secret/": {"type": "kv", "accessor": "kv_1", "description": ""}}},
            ),
            0,
            """\
Path       Type    Accessor    Description
----       ----    --------    -----------
secret/    kv      kv_1        n/a
""",
            id="secrets-list",
        ),
        pytest.param(
            ["token", "create"],
            (
                "POST",
                "/v1/auth/token/create",
                200,
                {
                    "auth": {
                        "client_token": "hvs.x",
                        "accessor": "y",
                        "lease_duration": 5400,
                        "renewable": True,
                        "policies": ["default", "p"],
                        "metadata": {"team": "db", "app": "web"},
                    }
                },
            ),
            0,
            """\
Key                  Value
---                  -----
token                hvs.x
token_accessor       y
token_duration       1h30m
token_renewable      true
token_policies       ["default" "p"]
identity_policies    []
policies             ["default" "p"]
token_meta_app       web
token_meta_team      db
""",
            id="token-create",
        ),
        pytest.param(
            ["operator", "key-status"],
            (
                "GET",
                "/v1/sys/key-status",
                200,
                {"data": {"term": 2, "install_time": "now", "encryptions": 7}},
            ),
            0,
            """\
Key                 Value
---                 -----
Key Term            2
Install Time        now
Encryption Count    7
""",
            id="key-status",
        ),
        pytest.param(
            ["security", "secrets", "list", "/"],
            ("GET", "/secrets/v1/secret/default/?list=true", 200, {"array": ["a/b", "c"]}),
            0,
            "a/b\nc\n",
            id="dcos-list",
        ),
        pytest.param(
            ["security", "secrets", "get", "-j", "a"],
            ("GET", "/secrets/v1/secret/default/a", 200, {"value": "v"}),
            0,
            '{\n  "value": "v"\n}\n',
            id="dcos-get-json",
        ),
    ],
)
def test_what_a_command_prints(secret, capsys, words, answer, code, printed):
    if answer:
        method, path, status, body = answer
        secret.answers[method, path] = (status, body)
    assert PROGRAM.main(words) == code
    assert capsys.readouterr().out == printed


def test_init_prints_the_keys_where_scripts_look_for_them(wire, capsys):
    shares = ["4jYbl2CBIv6SpkKj6Hos9iD32k5RfGkLzlosrrq/JgOm", "B05G1DRtfYckFV5BbdBvXq0wkK5HFqB9g2jcDmNfTQiS"]
    wire.answers["PUT", "/v1/sys/init"] = (200, {"keys_base64": shares, "root_token": "hvs.root"})
    assert PROGRAM.main(["operator", "init", "-key-shares=2", "-key-threshold=2"]) == 0
    assert wire.requests[-1][2] == {"secret_shares": 2, "secret_threshold": 2}
    lines = capsys.readouterr().out.splitlines()
    assert lines[:4] == [
        f"Unseal Key 1: {shares[0]}",
        f"Unseal Key 2: {shares[1]}",
        "",
        "Initial Root Token: hvs.root",
    ]
    assert lines[5] == "Holdfast initialized with 2 key shares and a key threshold of 2. Hand each"
    assert PROGRAM.main(["operator", "init", "-format=json"]) == 0
    assert wire.requests[-1][2] == {"secret_shares": 5, "secret_threshold": 3}
    document = json.loads(capsys.readouterr().out)
    assert document["unseal_keys_b64"] == shares
    assert document["unseal_keys_hex"][0].startswith("e2361b97608122fe")
    assert document["root_token"] == "hvs.root"


def test_unsealing_reads_the_share_from_a_pipe_and_shows_progress(wire, capsys, monkeypatch):
    wire.answers["PUT", "/v1/sys/unseal"] = (200, SEALED)
    wire.answers["GET", "/v1/sys/leader"] = (503, {"errors": ["Vault is sealed"]})
    pipe(monkeypatch, b"share-one\n")
    assert PROGRAM.main(["operator", "unseal"]) == 0
    assert wire.requests[0] == (
        "PUT",
        "/v1/sys/unseal",
        {"key": "share-one", "reset": False, "migrate": False},
    )
    captured = capsys.readouterr()
    assert captured.err == ""
    assert (
        captured.out
        == """\
Key                Value
---                -----
Seal Type          shamir
Initialized        true
Sealed             true
Total Shares       5
Threshold          3
Unseal Progress    1/3
Unseal Nonce       d3d06528-aafd-c63d-a93c-e63ddb34b2a9
Version            1.7.0
Storage Type       raft
HA Enabled         true
"""
    )


@pytest.mark.parametrize(
    ("sealed", "code"), [pytest.param(True, 2, id="sealed"), pytest.param(False, 0, id="unsealed")]
)
def test_status_says_by_its_exit_code_whether_the_store_is_sealed(wire, sealed, code, capsys):
    wire.answers["GET", "/v1/sys/seal-status"] = (200, {**SEALED, "sealed": sealed})
    wire.answers["GET", "/v1/sys/leader"] = (200, {"ha_enabled": False})
    assert PROGRAM.main(["status", "-format=json"]) == code
    assert json.loads(capsys.readouterr().out)["sealed"] is sealed


def test_login_keeps_a_good_token_and_later_commands_send_it(wire, home, monkeypatch, capsys):
    wire.answers["GET", "/v1/auth/token/lookup-self"] = (
        200,
        {"data": {"accessor": "a", "ttl": 0, "policies": ["root"]}},
    )
    pipe(monkeypatch, b"hvs.good\n")
    assert PROGRAM.main(["login"]) == 0
    assert wire.headers[-1]["X-Vault-Token"] == "hvs.good"
    assert (home / ".holdfast-token").read_text() == "hvs.good"
    assert 'token_policies       ["root"]' in capsys.readouterr().out
    PROGRAM.main(["token", "lookup"])
    assert wire.headers[-1]["X-Vault-Token"] == "hvs.good"


def test_login_does_not_keep_a_bad_token(wire, home, monkeypatch, capsys):
    wire.answers["GET", "/v1/auth/token/lookup-self"] = (403, {"errors": ["permission denied"]})
    pipe(monkeypatch, b"hvs.bad\n")
    assert PROGRAM.main(["login"]) == 2
    assert list(home.iterdir()) == []
    captured = capsys.readouterr()
    assert "permission denied" in captured.err
    assert "hvs.bad" not in captured.out + captured.err


def test_a_token_on_the_command_line_is_accepted_with_a_warning(wire, home, capsys):
    wire.answers["GET", "/v1/auth/token/lookup-self"] = (200, {"data": {"ttl": 60, "policies": []}})
    assert PROGRAM.main(["login", "-no-store", "-no-print", "hvs.typed"]) == 0
    captured = capsys.readouterr()
    assert "history" in captured.err
    assert "hvs.typed" not in captured.err + captured.out
    assert list(home.iterdir()) == []


def test_a_prompt_on_a_terminal_does_not_echo(wire, home):
    """The share is typed at a real terminal; what the terminal shows does not contain it."""
    import pty

    wire.answers["PUT", "/v1/sys/unseal"] = (200, SEALED)
    wire.answers["GET", "/v1/sys/leader"] = (200, {"ha_enabled": False})
    child, terminal = pty.fork()
    if child == 0:
        os.execv(sys.executable, [sys.executable, "-m", "holdfast.cli.holdfast", "operator", "unseal"])
    shown = b""
    while b"(will be hidden): " not in shown:
        shown += os.read(terminal, 1024)
    os.write(terminal, b"typed-share\n")
    while True:
        try:
            piece = os.read(terminal, 1024)
        except OSError:  # how Linux says that the other side of a terminal is closed
            break
        shown += piece
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert b"Unseal Key (will be hidden): " in shown
    assert b"Unseal Progress    1/3" in shown
    assert b"typed-share" not in shown
    assert wire.requests[0][2]["key"] == "typed-share"


def test_patch_falls_back_to_read_and_write_with_check_and_set(secret):
    secret.answers["PATCH", "/v1/secret/data/app"] = (403, {"errors": ["permission denied"]})
    secret.answers["GET", "/v1/secret/data/app"] = (
        200,
        {"data": {"data": {"a": "1", "b": "2"}, "metadata": {**VERSION, "version": 4}}},
    )
    assert PROGRAM.main(["kv", "patch", "secret/app", "b=3"]) == 0
    assert secret.requests[-1] == (
        "PUT",
        "/v1/secret/data/app",
        {"data": {"a": "1", "b": "3"}, "options": {"cas": 4}},
    )


def test_the_policy_text_is_sent_as_it_is_in_the_file(wire, tmp_path):
    wire.answers["PUT", "/v1/sys/policies/acl/mixed"] = (204, None)
    text = 'path "secret/*"\n{\n  capabilities = ["read"]\n}\n'
    (tmp_path / "p.hcl").write_text(text)
    assert PROGRAM.main(["policy", "write", "Mixed", str(tmp_path / "p.hcl")]) == 0
    assert wire.requests == [("PUT", "/v1/sys/policies/acl/mixed", {"policy": text})]


def test_version_options_are_refused_on_a_mount_without_versions(secret, capsys):
    assert PROGRAM.main(["kv", "get", "-version=1", "kv/app"]) == 1
    assert "keeps no versions" in capsys.readouterr().err


def test_a_server_that_does_not_know_the_mount_call_has_version_1_mounts(wire):
    wire.answers["GET", "/v1/old/app"] = (200, {"data": {"a": "1"}})
    assert PROGRAM.main(["kv", "get", "old/app"]) == 0


def test_a_warning_of_what_is_not_there_is_shown(secret, capsys):
    secret.answers["GET", "/v1/secret/app"] = (404, {"data": None, "warnings": ["not the right path"]})
    assert PROGRAM.main(["read", "secret/app"]) == 2
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "WARNING! not the right path\nNo value found at secret/app\n")


def test_the_servers_warnings_go_to_standard_error(secret, capsys):
    secret.answers["GET", "/v1/sys/x"] = (200, {"data": {"a": 1}, "warnings": ["mind the gap"]})
    assert PROGRAM.main(["read", "sys/x"]) == 0
    captured = capsys.readouterr()
    assert "mind the gap" in captured.err
    assert "mind the gap" not in captured.out


def test_namespace_and_request_mark_are_sent(wire):
    PROGRAM.main(["-namespace=team", "read", "x"])
    assert wire.headers[0]["X-Vault-Namespace"] == "team"
    assert wire.headers[0]["X-Vault-Request"] == "true"


def test_the_dcos_dialect_takes_its_own_environment(wire, monkeypatch):
    monkeypatch.delenv("HOLDFAST_ADDR")
    monkeypatch.setenv("DCOS_URL", wire.url)
    monkeypatch.setenv("DCOS_ACS_TOKEN", "acs")
    PROGRAM.main(["security", "secrets", "list", "/"])
    assert wire.headers[0]["Authorization"] == "token=acs"


def test_a_value_file_is_sent_exactly(wire, tmp_path, capsys):
    wire.answers["PUT", "/secrets/v1/secret/default/a"] = (201, {})
    (tmp_path / "v").write_text("line\n")
    assert PROGRAM.main(["security", "secrets", "create", "-t", str(tmp_path / "v"), "a"]) == 0
    assert wire.requests[0][2] == {"value": "line\n"}
    assert capsys.readouterr() == ("", "")
