"""The verbs of `vault` beyond secrets: which call each makes, and what it prints."""

import base64
import json

import pytest

from holdfast.cli.completion import complete
from holdfast.cli.errors import LocalError
from holdfast.cli.holdfast.commands import PROGRAM
from holdfast.cli.holdfast.policy_format import format_policy
from holdfast.cli.holdfast.public_keys import read_public_keys
from holdfast.errors import InvalidInputError
from holdfast.policy.acl_policy import parse_policy


@pytest.mark.parametrize(
    ("words", "request_"),
    [
        pytest.param(["patch", "sys/x", "a=1"], ("PATCH", "/v1/sys/x", {"a": "1"}), id="patch"),
        pytest.param(
            ["token", "lookup", "-accessor", "a"],
            ("POST", "/v1/auth/token/lookup-accessor", {"accessor": "a"}),
            id="accessor-behind-the-option",
        ),
        pytest.param(
            ["token", "renew", "a", "-accessor", "-i", "5m"],
            ("PUT", "/v1/auth/token/renew-accessor", {"accessor": "a", "increment": "5m"}),
            id="accessor-before-the-option",
        ),
        pytest.param(
            ["token", "revoke", "-accessor=a"],
            ("PUT", "/v1/auth/token/revoke-accessor", {"accessor": "a"}),
            id="accessor-in-the-option",
        ),
        pytest.param(
            ["token", "revoke", "-mode=orphan", "t"],
            ("PUT", "/v1/auth/token/revoke-orphan", {"token": "t"}),
            id="revoke-orphan",
        ),
        pytest.param(
            ["token", "revoke", "-mode=path", "auth/userpass/"],
            ("PUT", "/v1/sys/leases/revoke-prefix/auth/userpass", None),
            id="revoke-path",
        ),
        pytest.param(
            ["token", "capabilities", "secret/a"],
            ("POST", "/v1/sys/capabilities-self", {"paths": ["secret/a"]}),
            id="own-capabilities",
        ),
        pytest.param(
            ["token", "capabilities", "t", "secret/a"],
            ("POST", "/v1/sys/capabilities", {"paths": ["secret/a"], "token": "t"}),
            id="capabilities",
        ),
        pytest.param(
            ["token", "capabilities", "-accessor", "a", "secret/a"],
            ("POST", "/v1/sys/capabilities-accessor", {"paths": ["secret/a"], "accessor": "a"}),
            id="capabilities-by-accessor",
        ),
        pytest.param(
            ["secrets", "tune", "-max-lease-ttl=1h", "-description=", "-allowed-response-headers=a,b", "m/"],
            (
                "POST",
                "/v1/sys/mounts/m/tune",
                {"max_lease_ttl": "1h", "description": "", "allowed_response_headers": ["a", "b"]},
            ),
            id="secrets-tune",
        ),
        pytest.param(
            [
                "secrets",
                "enable",
                "-local",
                "-seal-wrap",
                "-force-no-cache",
                "-default-lease-ttl=1h",
                "kv-v2",
            ],
            (
                "POST",
                "/v1/sys/mounts/kv-v2",
                {
                    "type": "kv-v2",
                    "description": "",
                    "options": {},
                    "config": {"default_lease_ttl": "1h", "force_no_cache": True},
                    "local": True,
                    "seal_wrap": True,
                },
            ),
            id="secrets-enable",
        ),
        pytest.param(
            [
                "auth",
                "tune",
                "-token-type=batch",
                "-user-lockout-threshold=3",
                "-user-lockout-disable=true",
                "userpass/",
            ],
            (
                "POST",
                "/v1/sys/auth/userpass/tune",
                {
                    "token_type": "batch",
                    "user_lockout_config": {"lockout_threshold": "3", "lockout_disable": "true"},
                },
            ),
            id="auth-tune",
        ),
        pytest.param(
            ["auth", "move", "auth/a/", "b"],
            ("POST", "/v1/sys/remount", {"from": "auth/a/", "to": "auth/b/"}),
            id="auth-move",
        ),
        pytest.param(["operator", "members"], ("GET", "/v1/sys/ha-status", None), id="members"),
        pytest.param(["operator", "step-down"], ("PUT", "/v1/sys/step-down", None), id="step-down"),
        pytest.param(
            ["operator", "rekey", "-backup-delete"], ("DELETE", "/v1/sys/rekey/backup", None), id="backup"
        ),
        pytest.param(["version-history"], ("GET", "/v1/sys/version-history?list=true", None), id="versions"),
        pytest.param(["path-help", "secret/"], ("GET", "/v1/secret?help=1", None), id="path-help"),
    ],
)
def test_the_call_a_verb_makes(wire, words, request_):
    PROGRAM.main(words)
    assert request_ in wire.requests


@pytest.mark.parametrize(
    ("words", "answer", "printed"),
    [
        pytest.param(
            ["token", "capabilities", "a"],
            ("POST", "/v1/sys/capabilities-self", {"data": {"a": ["update", "read"], "capabilities": None}}),
            "read, update\n",
            id="capabilities",
        ),
        pytest.param(
            ["token", "capabilities", "-format=json", "a"],
            ("POST", "/v1/sys/capabilities-self", {"data": {"capabilities": ["read"]}}),
            '[\n  "read"\n]\n',
            id="capabilities-json",
        ),
        pytest.param(
            ["path-help", "x"],
            ("GET", "/v1/x?help=1", {"help": "## PATHS\n\x1b[2J", "see_also": None}),
            "## PATHS\n\\x1b[2J\n",
            id="path-help",
        ),
        pytest.param(
            ["secrets", "list", "-detailed"],
            (
                "GET",
                "/v1/sys/mounts",
                {
                    "data": {
                        "m/": {
                            "type": "kv",
                            "accessor": "kv_1",
                            "options": {"version": "2"},
                            "config": {"default_lease_ttl": 0, "max_lease_ttl": 60},
                            "description": "",
                        }
                    }
                },
            ),
            """\
Path    Plugin    Accessor    Default TTL    Max TTL    Options           Description
----    ------    --------    -----------    -------    -------           -----------
m/      kv        kv_1        system         60         map[version:2]    n/a
""",
            id="secrets-detailed",
        ),
        pytest.param(
            ["operator", "generate-root", "-status"],
            (
                "GET",
                "/v1/sys/generate-root/attempt",
                {"nonce": "n", "started": True, "progress": 1, "required": 3, "otp_length": 28, "otp": ""},
            ),
            """\
Key           Value
---           -----
Nonce         n
Started       true
Progress      1/3
Complete      false
OTP Length    28
""",
            id="generate-root",
        ),
        pytest.param(
            ["operator", "rekey", "-status"],
            (
                "GET",
                "/v1/sys/rekey/init",
                {"nonce": "n", "started": True, "t": 2, "n": 3, "progress": 1, "required": 3},
            ),
            """\
Key                      Value
---                      -----
Nonce                    n
Started                  true
Rekey Progress           1/3
New Shares               3
New Threshold            2
Verification Required    false
""",
            id="rekey",
        ),
        pytest.param(
            ["operator", "rekey", "-verify", "-status"],
            ("GET", "/v1/sys/rekey/verify", {"nonce": "n", "started": True, "t": 2, "n": 3, "progress": 1}),
            """\
Key                      Value
---                      -----
Nonce                    n
Started                  true
New Shares               3
New Threshold            2
Verification Progress    1/2
""",
            id="rekey-verification",
        ),
        pytest.param(
            ["list", "-detailed", "m"],
            (
                "GET",
                "/v1/m?list=true",
                {"data": {"keys": ["a", "b"], "key_info": {"a": {"age": 1, "owner": "x"}}}},
            ),
            """\
Keys    age      owner
----    ---      -----
a       1        x
b       <nil>    <nil>
""",
            id="list-detailed",
        ),
    ],
)
def test_what_a_verb_prints(wire, capsys, words, answer, printed):
    method, path, body = answer
    wire.answers[method, path] = (200, body)
    assert PROGRAM.main(words) == 0
    assert capsys.readouterr().out == printed


def test_a_move_is_waited_for(wire, capsys):
    wire.answers["POST", "/v1/sys/remount"] = (200, {"data": {"migration_id": "7"}, "warnings": ["later"]})
    wire.answers["GET", "/v1/sys/remount/status/7"] = (
        200,
        {"data": {"migration_info": {"status": "success"}}},
    )
    assert PROGRAM.main(["secrets", "move", "a/", "b"]) == 0
    assert capsys.readouterr() == ("Success! Moved a/ to b/\n", "")
    wire.answers["GET", "/v1/sys/remount/status/7"] = (
        200,
        {"data": {"migration_info": {"status": "failure"}}},
    )
    assert PROGRAM.main(["secrets", "move", "a/", "b"]) == 2


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["token", "revoke"], id="nobody"),
        pytest.param(["token", "revoke", "-self", "t"], id="two"),
        pytest.param(["token", "revoke", "-accessor"], id="accessor-of-nobody"),
        pytest.param(["token", "revoke", "-mode=path", "-self"], id="path-of-oneself"),
        pytest.param(["token", "lookup", "-accessor=a", "b"], id="two-accessors"),
        pytest.param(["token", "capabilities"], id="no-path"),
        pytest.param(["token", "capabilities", "a", "b", "c"], id="three-words"),
        pytest.param(["token", "capabilities", "-accessor", "a"], id="accessor-without-path"),
        pytest.param(["secrets", "tune", "m"], id="nothing-to-tune"),
        pytest.param(["auth", "tune", "m"], id="nothing-to-tune-of-auth"),
    ],
)
def test_what_is_unclear_is_asked_of_no_server(wire, words):
    assert PROGRAM.main(words) == 1
    assert wire.requests == []


def test_the_token_in_use_is_printed(monkeypatch, capsys, home):
    assert PROGRAM.main(["print", "token"]) == 1
    monkeypatch.setenv("VAULT_TOKEN", "hvs.mine")
    assert PROGRAM.main(["print", "token"]) == 0
    assert capsys.readouterr().out == "hvs.mine\n"


def test_a_login_by_each_method_is_explained(wire, capsys):
    assert PROGRAM.main(["auth", "help", "userpass"]) == 0
    assert "-method=userpass username=..." in capsys.readouterr().out
    wire.answers["GET", "/v1/sys/auth"] = (
        200,
        {"data": {"team/": {"type": "approle"}, "t/": {"type": "token"}}},
    )
    assert PROGRAM.main(["auth", "help", "team/"]) == 0
    assert "-method=approle role_id=..." in capsys.readouterr().out
    assert PROGRAM.main(["auth", "help", "t"]) == 0
    assert PROGRAM.main(["auth", "help", "nowhere"]) == 1


MADE = {"keys": ["aa"], "keys_base64": ["qg=="], "root_token": "hvs.r"}


class TestInit:
    def test_hands_public_keys_on(self, wire, tmp_path, capsys):
        (tmp_path / "a").write_bytes(b"\x99binary")
        (tmp_path / "b").write_bytes(base64.b64encode(b"\x99other"))
        wire.answers["PUT", "/v1/sys/init"] = (200, MADE)
        words = [
            f"-pgp-keys={tmp_path}/a,{tmp_path}/b",
            f"-root-token-pgp-key={tmp_path}/a",
            "-stored-shares=1",
        ]
        assert PROGRAM.main(["operator", "init", *words, "-n=2", "-t=2", "-format=json"]) == 0
        assert wire.requests[0][2] == {
            "secret_shares": 2,
            "secret_threshold": 2,
            "pgp_keys": [base64.b64encode(b"\x99binary").decode(), base64.b64encode(b"\x99other").decode()],
            "root_token_pgp_key": base64.b64encode(b"\x99binary").decode(),
        }
        told = json.loads(capsys.readouterr().out)
        assert (told["unseal_keys_b64"], told["unseal_keys_hex"]) == (["qg=="], ["aa"])

    @pytest.mark.parametrize(("initialized", "code"), [(True, 0), (False, 2)])
    def test_says_by_its_exit_code_whether_that_was_done(self, wire, initialized, code):
        wire.answers["GET", "/v1/sys/init"] = (200, {"initialized": initialized})
        assert PROGRAM.main(["operator", "init", "-status"]) == code


class TestPublicKeys:
    def test_of_three_forms_are_the_same(self, tmp_path):
        key = b"\x99\x01" + bytes(range(200))
        text = base64.b64encode(key).decode()
        armored = (
            "-----BEGIN PGP PUBLIC KEY BLOCK-----\nVersion: x\n\n"
            f"{text[:64]}\n{text[64:]}\n=abcd\n-----END PGP PUBLIC KEY BLOCK-----\n"
        )
        for name, content in {"binary": key, "base64": text.encode(), "armored": armored.encode()}.items():
            (tmp_path / name).write_bytes(content)
            assert read_public_keys(str(tmp_path / name)) == [text], name

    @pytest.mark.parametrize(
        "content",
        [
            pytest.param(b"", id="empty"),
            pytest.param(b"x" * 70_000, id="too-long"),
            pytest.param(b"-----BEGIN PGP PUBLIC KEY BLOCK-----\nno blank line", id="broken-armor"),
            pytest.param(b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n%%%\n", id="no-base64"),
        ],
    )
    def test_that_are_none_are_refused(self, tmp_path, content):
        (tmp_path / "k").write_bytes(content)
        with pytest.raises(LocalError, match="OpenPGP public key"):
            read_public_keys(str(tmp_path / "k"))

    @pytest.mark.parametrize("name", ["keybase:somebody", "/nowhere/key"])
    def test_come_from_files_that_can_be_read(self, name):
        with pytest.raises(LocalError):
            read_public_keys(name)


class TestPolicyFormat:
    UGLY = """

# who may read
path "secret/data/*"
{
capabilities=["read","list"]
 max_wrapping_ttl = "10m" # soon
   allowed_parameters = {
"a" = []
       "b = c" = ["x","y"]
 }
}


path "x" { policy="deny" }  // nothing
"""
    PLAIN = """\
# who may read
path "secret/data/*" {
  capabilities     = ["read", "list"]
  max_wrapping_ttl = "10m" # soon
  allowed_parameters = {
    "a"     = []
    "b = c" = ["x", "y"]
  }
}

path "x" { policy = "deny" } // nothing
"""

    def test_lays_a_text_out(self):
        assert format_policy(self.UGLY) == self.PLAIN
        assert format_policy(self.PLAIN) == self.PLAIN

    @pytest.mark.parametrize(
        "text",
        [
            pytest.param('path "a" { capabilities = ["read"] comment = "x = {y} [" }', id="marks-in-texts"),
            pytest.param(
                'path "a" {\n comment = <<EOT\n  as {it} = is\nEOT\n policy = "read"\n}', id="heredoc"
            ),
            pytest.param('path "a" { /* two\nlines { */ capabilities = ["read",\n"list",\n] }', id="comment"),
            pytest.param(
                'path "a" {\n allowed_parameters = {\n "x" = [] } capabilities = ["read"] } # end',
                id="braces",
            ),
            pytest.param('{"path": {"a": {"capabilities": ["read"]}}}', id="json"),
            pytest.param("", id="nothing"),
        ],
    )
    def test_keeps_what_a_text_means(self, text):
        formatted = format_policy(text)
        assert parse_policy("p", formatted) == parse_policy("p", text)
        assert format_policy(formatted) == formatted

    def test_refuses_what_the_store_would(self):
        with pytest.raises(InvalidInputError):
            format_policy('path "a" { capability = ["read"] }')

    def test_changes_a_file_in_its_place(self, tmp_path, capsys):
        file = tmp_path / "p.hcl"
        file.write_text(self.UGLY)
        file.chmod(0o640)
        assert PROGRAM.main(["policy", "fmt", str(file)]) == 0
        assert file.read_text() == self.PLAIN
        assert file.stat().st_mode & 0o777 == 0o640
        assert capsys.readouterr().out == f"Success! Formatted policy: {file}\n"
        file.write_text("path")
        assert PROGRAM.main(["policy", "fmt", str(file)]) == 1
        assert file.read_text() == "path"
        assert [entry.name for entry in tmp_path.iterdir() if entry.is_file()] == ["p.hcl"]


class TestCompletion:
    @pytest.mark.parametrize(
        ("line", "words"),
        [
            pytest.param("holdfast op", ["operator"], id="command"),
            pytest.param("holdfast operator re", ["rekey", "restore"], id="command-in-a-group"),
            pytest.param("holdfast -address http://x kv unde", ["undelete"], id="option-before"),
            pytest.param("holdfast -address=http://x kv unde", ["undelete"], id="option-with-value-before"),
            pytest.param("holdfast token create -displ", ["-display-name"], id="option"),
            pytest.param("holdfast token create --displ", ["--display-name"], id="long-option"),
            pytest.param("holdfast token create x", [], id="a-word-of-ones-own"),
            pytest.param("holdfast nonsense x", [], id="no-command"),
            pytest.param("holdfast -", [], id="option-of-no-command"),
        ],
    )
    def test_knows_how_a_line_goes_on(self, line, words):
        assert complete(PROGRAM, line) == words

    def test_offers_every_command_after_a_blank(self):
        assert complete(PROGRAM, "holdfast ") == sorted(PROGRAM.root.commands)
        assert complete(PROGRAM, "") == sorted(PROGRAM.root.commands)

    @pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
    def test_says_what_a_shell_has_to_be_told(self, shell, capsys):
        assert PROGRAM.main(["completion", shell]) == 0
        assert "completion answer" in capsys.readouterr().out

    def test_is_what_bash_does(self, tmp_path):
        """A real bash, with the line that it is told to evaluate, completes a command."""
        import os
        import subprocess
        import sys
        from pathlib import Path

        script = (
            'eval "$(holdfast completion bash)"\n'
            "complete -p holdfast\n"
            'export COMP_LINE="holdfast operator gener" COMP_POINT=23\n'
            "holdfast completion answer holdfast gener operator\n"
        )
        environment = {"PATH": f"{Path(sys.executable).parent}:{os.defpath}", "HOME": str(tmp_path)}
        done = subprocess.run(
            ["/bin/bash", "-euc", script],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert done.stdout.splitlines()[-1] == "generate-root"
        assert "complete -o bashdefault -o default -C" in done.stdout
