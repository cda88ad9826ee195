"""``-wrap-ttl`` goes to the one call that it is for, and nothing unwrapped is shown under it."""

import pytest

from holdfast.cli.holdfast.commands import PROGRAM

MOUNT = {"data": {"path": "secret/", "type": "kv", "options": {"version": "2"}}}
INFO = {
    "token": "hvs.one-time",
    "accessor": "a",
    "ttl": 300,
    "creation_time": "2026-01-01T00:00:00Z",
    "creation_path": "secret/data/app",
}


@pytest.fixture
def token(monkeypatch):
    monkeypatch.setenv("HOLDFAST_TOKEN", "hvs.own")


@pytest.mark.parametrize(
    ("words", "call"),
    [
        pytest.param(["kv", "get", "secret/app"], ("GET", "/v1/secret/data/app"), id="kv get"),
        pytest.param(["read", "secret/data/app"], ("GET", "/v1/secret/data/app"), id="read"),
        pytest.param(["write", "-force", "x/y"], ("PUT", "/v1/x/y"), id="write"),
        pytest.param(["token", "create"], ("POST", "/v1/auth/token/create"), id="token create"),
        pytest.param(
            ["token", "create", "-role=ci"],
            ("POST", "/v1/auth/token/create/ci"),
            id="token create, by a role",
        ),
    ],
)
def test_only_the_call_itself_is_wrapped(wire, token, capsys, words, call):
    wire.answers["GET", "/v1/sys/internal/ui/mounts/secret/app"] = (200, MOUNT)
    wire.answers[call] = (200, {"data": None, "auth": None, "wrap_info": INFO})
    assert PROGRAM.main([*words, "-wrap-ttl=5m", "-field=wrapping_token"]) == 0
    assert capsys.readouterr().out == "hvs.one-time"
    wrapped = [
        (method, path)
        for (method, path, _), headers in zip(wire.requests, wire.headers, strict=True)
        if headers.get("X-Vault-Wrap-TTL") == "5m"
    ]
    assert wrapped == [call]


def test_an_answer_that_a_server_did_not_wrap_is_not_shown(wire, token, capsys):
    wire.answers["GET", "/v1/secret/data/app"] = (200, {"data": {"k": "canary-7f3a"}})
    assert PROGRAM.main(["read", "-wrap-ttl=5m", "secret/data/app"]) == 1
    shown = capsys.readouterr()
    assert "canary" not in shown.out + shown.err
    assert "did not wrap" in shown.err


@pytest.mark.parametrize(
    ("own", "given", "sent_as", "body"),
    [
        pytest.param("hvs.own", ["hvs.one-time"], "hvs.own", {"token": "hvs.one-time"}, id="with a token"),
        pytest.param("hvs.own", [], "hvs.own", {}, id="the token in use"),
        pytest.param("", ["hvs.one-time"], "hvs.one-time", {}, id="without a token"),
    ],
)
def test_unwrap_asks_with_the_token_at_hand(wire, monkeypatch, capsys, own, given, sent_as, body):
    if own:
        monkeypatch.setenv("HOLDFAST_TOKEN", own)
    wire.answers["PUT", "/v1/sys/wrapping/unwrap"] = (200, {"data": {"k": "v"}, "auth": None})
    assert PROGRAM.main(["unwrap", "-field=k", *given]) == 0
    assert capsys.readouterr().out == "v"
    assert wire.requests == [("PUT", "/v1/sys/wrapping/unwrap", body)]
    assert wire.headers[0]["X-Vault-Token"] == sent_as


@pytest.mark.parametrize(
    ("words", "call"),
    [
        (["lookup", "a/b"], ("PUT", "/v1/sys/leases/lookup", {"lease_id": "a/b"})),
        (["renew", "a/b"], ("PUT", "/v1/sys/leases/renew", {"lease_id": "a/b"})),
        (
            ["renew", "-increment=1h", "a/b"],
            ("PUT", "/v1/sys/leases/renew", {"lease_id": "a/b", "increment": "1h"}),
        ),
        (["revoke", "a/b"], ("PUT", "/v1/sys/leases/revoke", {"lease_id": "a/b", "sync": False})),
        (["revoke", "-prefix", "a/b/"], ("PUT", "/v1/sys/leases/revoke-prefix/a/b", None)),
        (["revoke", "-prefix", "-force", "a"], ("PUT", "/v1/sys/leases/revoke-force/a", None)),
    ],
)
def test_lease_commands_ask_what_they_say(wire, token, words, call):
    wire.answers[call[:2]] = (200, {"lease_id": "a/b", "lease_duration": 60, "renewable": True, "data": None})
    assert PROGRAM.main(["lease", *words]) == 0
    assert wire.requests == [call]


def test_secrets_move_asks_what_it_says(wire, token, capsys):
    wire.answers["POST", "/v1/sys/remount"] = (200, {"data": {"migration_id": "x"}})
    wire.answers["GET", "/v1/sys/remount/status/x"] = (
        200,
        {"data": {"migration_info": {"status": "success"}}},
    )
    assert PROGRAM.main(["secrets", "move", "a/", "b"]) == 0
    assert wire.requests[0] == ("POST", "/v1/sys/remount", {"from": "a/", "to": "b/"})
    assert capsys.readouterr().out == "Success! Moved a/ to b/\n"
