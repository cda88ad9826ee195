"""What each command of `dcos security` asks of a server, and what it refuses before it asks."""

import base64
import io
import json
import re
import stat
import sys
from pathlib import Path

import pytest

from holdfast.cli.holdfast.commands import PROGRAM
from holdfast.cli.program import Group

SECRET = "/secrets/v1/secret/default"
IAM = "/acs/api/v1"
KEY = "c1" * 33
PAGES = [Path(__file__).parents[3] / "docs" / name for name in ("dcos-commands.md", "auth-methods.md")]


def pipe(monkeypatch, content):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))


def security(words):
    return PROGRAM.main(["security", *words.split()])


@pytest.mark.parametrize(
    ("words", "request_"),
    [
        pytest.param("cluster secret-store show", ("GET", "/secrets/v1/store", None), id="show-all"),
        pytest.param(
            "cluster secret-store show other", ("GET", "/secrets/v1/store/other", None), id="show-one"
        ),
        pytest.param(
            "cluster secret-store status default",
            ("GET", "/secrets/v1/ping/backends/default", None),
            id="status",
        ),
        pytest.param(
            "cluster secret-store seal-status other",
            ("GET", "/secrets/v1/seal-status/other", None),
            id="seal-status",
        ),
        pytest.param(
            "cluster secret-store seal default", ("PUT", "/secrets/v1/seal/default", None), id="seal"
        ),
        pytest.param(
            "cluster secret-store seal default --this-node",
            ("PUT", "/secrets/v1/seal/default?this_node=true", None),
            id="seal-one-node",
        ),
        pytest.param(
            f"cluster secret-store unseal default {KEY}",
            ("PUT", "/secrets/v1/unseal/default", {"key": KEY}),
            id="unseal",
        ),
        pytest.param(
            f"cluster secret-store unseal --this-node default {KEY}",
            ("PUT", "/secrets/v1/unseal/default?this_node=true", {"key": KEY}),
            id="unseal-one-node",
        ),
        pytest.param(
            "cluster secret-store auto-unseal default",
            ("PUT", "/secrets/v1/auto-unseal/default", None),
            id="auto-unseal",
        ),
        pytest.param(
            "cluster secret-store auto-unseal default --this-node=true",
            ("PUT", "/secrets/v1/auto-unseal/default?this_node=true", None),
            id="auto-unseal-one-node",
        ),
        pytest.param(
            "cluster secret-store init-status default",
            ("GET", "/secrets/v1/init/default", None),
            id="init-status",
        ),
        pytest.param(
            "org users create -d Ada -p long-password ada",
            ("PUT", f"{IAM}/users/ada", {"description": "Ada", "password": "long-password"}),
            id="user-create",
        ),
        pytest.param(
            "org users update -d Ada ada",
            ("PATCH", f"{IAM}/users/ada", {"description": "Ada"}),
            id="user-update",
        ),
        pytest.param("org users delete ada", ("DELETE", f"{IAM}/users/ada", None), id="user-delete"),
        pytest.param("org users show ada", ("GET", f"{IAM}/users/ada", None), id="user-show"),
        pytest.param("org users show", ("GET", f"{IAM}/users", None), id="user-show-all"),
        pytest.param("org users list", ("GET", f"{IAM}/users", None), id="user-list"),
        pytest.param(
            "org users permissions ada", ("GET", f"{IAM}/users/ada/permissions", None), id="user-permissions"
        ),
        pytest.param(
            "org users revoke ada dcos:secrets:default:/a/* full",
            ("DELETE", f"{IAM}/acls/dcos%3Asecrets%3Adefault%3A%252Fa%252F%2A/users/ada/full", None),
            id="user-revoke",
        ),
        pytest.param(
            "org groups create -d Team team",
            ("PUT", f"{IAM}/groups/team", {"description": "Team"}),
            id="group-create",
        ),
        pytest.param("org groups delete team", ("DELETE", f"{IAM}/groups/team", None), id="group-delete"),
        pytest.param("org groups show team", ("GET", f"{IAM}/groups/team", None), id="group-show"),
        pytest.param("org groups list", ("GET", f"{IAM}/groups", None), id="group-list"),
        pytest.param(
            "org groups members team",
            ("GET", f"{IAM}/groups/team/users?type=user", None),
            id="group-members",
        ),
        pytest.param(
            "org groups add_user team ada", ("PUT", f"{IAM}/groups/team/users/ada", None), id="group-add"
        ),
        pytest.param(
            "org groups del_user team ada", ("DELETE", f"{IAM}/groups/team/users/ada", None), id="group-del"
        ),
        pytest.param(
            "org groups permissions team",
            ("GET", f"{IAM}/groups/team/permissions", None),
            id="group-permissions",
        ),
        pytest.param(
            "org groups revoke team rid read",
            ("DELETE", f"{IAM}/acls/rid/groups/team/read", None),
            id="group-revoke",
        ),
        pytest.param(
            "org service-accounts list", ("GET", f"{IAM}/users?type=service", None), id="service-list"
        ),
        pytest.param(
            "org service-accounts delete svc", ("DELETE", f"{IAM}/users/svc", None), id="service-delete"
        ),
        pytest.param("org permissions", ("GET", f"{IAM}/acls", None), id="permissions"),
        pytest.param(
            "org permissions rid", ("GET", f"{IAM}/acls/rid/permissions", None), id="permissions-on-one"
        ),
    ],
)
def test_the_call_a_command_makes(wire, words, request_):
    for further in ("/secrets/v1/seal-status/default", f"{IAM}/groups/team/users?type=service"):
        wire.answers["GET", further] = (200, {})
    wire.answers[request_[:2]] = (200, {})
    assert security(words) == 0
    assert wire.requests[0] == request_


@pytest.mark.parametrize(("subject", "path"), [("users", "users"), ("groups", "groups")])
def test_a_grant_makes_the_resource_known_first_and_does_not_mind_that_it_is(wire, capsys, subject, path):
    acl = f"{IAM}/acls/rid"
    wire.answers["PUT", acl] = (201, {})
    wire.answers["PUT", f"{acl}/{path}/team/read"] = (204, None)
    assert security(f"org {subject} grant --description=What team rid read") == 0
    assert wire.requests == [
        ("PUT", acl, {"description": "What"}),
        ("PUT", f"{acl}/{path}/team/read", None),
    ]
    wire.answers["PUT", acl] = (409, {"code": "ERR_ACL_EXISTS", "description": "known"})
    assert security(f"org {subject} grant team rid read") == 0
    assert capsys.readouterr().err == ""
    wire.answers["PUT", f"{acl}/{path}/team/read"] = (409, {"code": "ERR_PERMISSION_EXISTS"})
    assert security(f"org {subject} grant team rid read") == 0
    assert capsys.readouterr().err == "This was granted already.\n"
    wire.answers["PUT", f"{acl}/{path}/team/read"] = (400, {"description": "no such user"})
    assert security(f"org {subject} grant team rid read") == 2


@pytest.mark.parametrize(
    ("verb", "method"),
    [pytest.param("create", "PUT", id="create"), pytest.param("update", "PATCH", id="update")],
)
def test_bytes_travel_as_bytes_and_text_as_text(wire, tmp_path, monkeypatch, verb, method):
    wire.answers[method, f"{SECRET}/a"] = (204, None)
    everything = bytes(range(256))
    (tmp_path / "v").write_bytes(everything)
    assert security(f"secrets {verb} -f {tmp_path / 'v'} a") == 0
    pipe(monkeypatch, everything)
    assert security(f"secrets {verb} --file - a") == 0
    (tmp_path / "v").write_text("line\n")
    for option in ("-t", "--text-file", "--value-file"):
        assert security(f"secrets {verb} {option} {tmp_path / 'v'} a") == 0
    assert [body for _, _, body in wire.requests] == [everything] * 2 + [{"value": "line\n"}] * 3


@pytest.mark.parametrize(
    ("body", "option", "printed"),
    [
        pytest.param({"value": "a\n\u20ac"}, "", "a\n\u20ac".encode(), id="text"),
        pytest.param({"value": ""}, "", b"", id="nothing"),
        pytest.param(b"\x00\xff", "", b"\x00\xff", id="binary"),
        pytest.param({"value": "a"}, "-j", b'{\n  "value": "a"\n}\n', id="text-as-json"),
        pytest.param(b"\x00\xff", "--output=yaml", b"value_base64: AP8=\n", id="binary-as-yaml"),
    ],
)
def test_a_value_is_printed_exactly(wire, capsysbinary, body, option, printed):
    wire.answers["GET", f"{SECRET}/a"] = (200, body)
    assert security(f"secrets get {option} a") == 0
    assert capsysbinary.readouterr() == (printed, b"")
    assert wire.headers[0]["Accept"] == "*/*"


def test_the_form_of_the_environment_holds_where_no_option_says_otherwise(wire, capsys, monkeypatch):
    monkeypatch.setenv("HOLDFAST_FORMAT", "json")
    wire.answers["GET", f"{SECRET}/a"] = (200, {"value": "v"})
    assert security("secrets get a") == security("secrets get --output=table a") == 0
    assert capsys.readouterr().out == '{\n  "value": "v"\n}\nv'


def test_a_recursive_delete_takes_what_is_below_and_then_the_secret_itself(wire, capsys):
    wire.answers["GET", f"{SECRET}/a?list=true"] = (200, {"array": ["b", "c/d"]})
    for name in ("a/b", "a/c/d"):
        wire.answers["DELETE", f"{SECRET}/{name}"] = (204, None)
    assert security("secrets delete -r /a/") == 0
    assert [path for method, path, _ in wire.requests if method == "DELETE"] == [
        f"{SECRET}/a/b",
        f"{SECRET}/a/c/d",
        f"{SECRET}/a",
    ]
    assert capsys.readouterr().out == "a/b\na/c/d\n"
    wire.answers["GET", f"{SECRET}/a?list=true"] = (200, {"array": None})
    assert security("secrets delete -r a") == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param("secrets create a", "exactly one", id="no-value"),
        pytest.param("secrets create -v x -f y a", "exactly one", id="two-values"),
        pytest.param("secrets delete -r /", "not deleted at once", id="everything"),
        pytest.param(f"cluster secret-store unseal {KEY}", "name of a store", id="key-as-name"),
        pytest.param(f"cluster secret-store unseal --key-file f default {KEY}", "at most one", id="two-keys"),
        pytest.param("org users create -p a --password-file f ada", "at most one", id="two-passwords"),
        pytest.param("org users create --password= ada", "password: expected one", id="empty-password"),
        pytest.param("org users update ada", "--new-password", id="nothing-to-change"),
        pytest.param("org service-accounts create svc", "--public-key", id="no-public-key"),
        pytest.param("org service-accounts keypair -l 1024 a b", "--length", id="weak-key"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_sent(wire, capsys, words, said):
    assert security(words) == 1
    shown = capsys.readouterr().err
    assert said in shown
    assert KEY not in shown
    assert wire.requests == []


@pytest.mark.parametrize(
    ("piped", "sent"),
    [
        pytest.param(b" blanks count \n", " blanks count ", id="blanks"),
        pytest.param(b"windows\r\n", "windows", id="carriage-return"),
        pytest.param("caf\u00e9".encode(), "caf\u00e9", id="utf-8"),
    ],
)
def test_a_password_is_what_was_given_without_the_end_of_its_line(wire, monkeypatch, tmp_path, piped, sent):
    wire.answers["PUT", f"{IAM}/users/ada"] = (201, {})
    pipe(monkeypatch, piped)
    assert security("org users create ada") == 0
    (tmp_path / "password").write_bytes(piped)
    assert security(f"org users create --password-file {tmp_path / 'password'} ada") == 0
    assert [body["password"] for _, _, body in wire.requests] == [sent, sent]


@pytest.mark.parametrize(
    ("options", "keys", "shares", "threshold"),
    [
        pytest.param("", 0, 5, 3, id="as-operator-init"),
        pytest.param("--shares 1 --threshold 1", 0, 1, 1, id="as-dcos"),
        pytest.param("", 3, 3, 2, id="one-share-for-each-key"),
        pytest.param("--threshold 3", 3, 3, 3, id="threshold"),
    ],
)
def test_how_many_keys_a_new_store_gets(wire, tmp_path, options, keys, shares, threshold):
    path = "/secrets/v1/init/default"
    wire.answers["GET", path] = (200, {"initialized": False})
    wire.answers["PUT", path] = (200, {"keys": ["00"] * shares})
    for number in range(keys):
        (tmp_path / f"{number}.pub").write_bytes(b"\x99key %d" % number)
        options += f" --pgp-key-file {tmp_path / f'{number}.pub'}"
    assert security(f"cluster secret-store init {options} default") == 0
    expected = {"shares": shares, "threshold": threshold}
    if keys:
        expected["pgp_keys"] = [base64.b64encode(b"\x99key %d" % number).decode() for number in range(keys)]
    assert wire.requests[-1] == ("PUT", path, expected)


@pytest.mark.parametrize(
    ("initialized", "option"),
    [pytest.param(True, "", id="keys-there"), pytest.param(False, "--new-keys", id="no-keys-yet")],
)
def test_keys_are_replaced_only_where_that_is_meant(wire, initialized, option):
    wire.answers["GET", "/secrets/v1/init/default"] = (200, {"initialized": initialized})
    assert security(f"cluster secret-store init {option} default") == 1
    assert [method for method, _, _ in wire.requests] == ["GET"]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"-----BEGIN PGP PRIVATE KEY BLOCK-----\n", id="armoured"),
        pytest.param(b"\x95\x07secret", id="old-packet"),
        pytest.param(b"\xc5\xc7secret", id="new-packet"),
    ],
)
def test_a_private_openpgp_key_never_leaves(wire, tmp_path, content):
    (tmp_path / "key").write_bytes(content)
    assert security(f"cluster secret-store init --pgp-key-file {tmp_path / 'key'} default") == 1
    assert wire.requests == []


def test_a_key_pair_is_private_and_nothing_is_overwritten(tmp_path):
    private, public = tmp_path / "a.pem", tmp_path / "a.pub"
    public.write_text("theirs")
    keypair = f"org service-accounts keypair -l 2048 {private} {public}"
    assert security(keypair) == 1
    assert not private.exists()
    assert public.read_text() == "theirs"
    public.unlink()
    assert security(keypair) == 0
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert b"BEGIN PRIVATE KEY" in private.read_bytes()
    assert b"BEGIN PUBLIC KEY" in public.read_bytes()


@pytest.mark.parametrize(
    ("option", "endpoint"),
    [
        pytest.param("", "http://master.mesos/acs/api/v1/auth/login", id="permissive"),
        pytest.param("--strict", "https://master.mesos/acs/api/v1/auth/login", id="strict"),
        pytest.param("--login-endpoint https://store/in", "https://store/in", id="elsewhere"),
    ],
)
def test_a_credential_has_the_form_that_services_read(wire, tmp_path, capsys, option, endpoint):
    wire.answers["PUT", f"{SECRET}/svc/credential"] = (201, {})
    private, public = tmp_path / "a.pem", tmp_path / "a.pub"
    assert security(f"org service-accounts keypair -l 2048 {private} {public}") == 0
    assert security(f"secrets create-sa-secret {option} {private} svc svc/credential") == 0
    assert json.loads(wire.requests[-1][2]["value"]) == {
        "scheme": "RS256",
        "uid": "svc",
        "private_key": private.read_text(),
        "login_endpoint": endpoint,
    }
    assert capsys.readouterr().err == ""
    private.chmod(0o640)
    assert security(f"secrets create-sa-secret {private} svc svc/credential") == 0
    assert "chmod 600" in capsys.readouterr().err
    assert security(f"secrets create-sa-secret {public} svc svc/credential") == 1


def test_a_warning_of_the_server_and_a_name_with_escapes_reach_the_terminal_unharmed(wire, capsys):
    wire.answers["PUT", "/secrets/v1/unseal/default"] = (200, {"sealed": True, "warnings": ["\x1b[2J"]})
    assert security(f"cluster secret-store unseal default {KEY}") == 0
    wire.answers["GET", f"{SECRET}/?list=true"] = (200, {"array": ["a\x1bb"]})
    assert security("secrets list /") == 0
    shown = capsys.readouterr()
    assert "\x1b" not in shown.out + shown.err
    assert "WARNING! \\x1b[2J" in shown.err
    assert "a\\x1bb" in shown.out


def words_of(group):
    for word, entry in group.commands.items():
        yield word
        if isinstance(entry, Group):
            yield from words_of(entry)


def test_the_pages_of_these_commands_leave_none_out():
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES).replace("```", "`")
    said = set(re.findall(r"[a-z_-]+", " ".join(re.findall(r"`([^`]+)`", text))))
    commands = {*words_of(PROGRAM.root.commands["security"]), *words_of(PROGRAM.root.commands["auth"])}
    assert commands - said == set()
