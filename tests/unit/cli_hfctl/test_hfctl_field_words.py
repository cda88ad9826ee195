"""Errors of a node name what a person can type: the option or argument of that very command."""

import json

import pytest
from tests.support.command_reference import commands_of
from tests.support.node_under_test import new_node
from tests.support.rest_server import RestServer

from holdfast.api.sdk.calls import Calls
from holdfast.api.sdk.rows import ROWS
from holdfast.cli.arguments import CommandParser
from holdfast.cli.hfctl.commands import PROGRAM
from holdfast.cli.hfctl.field_words import WORDS, in_typed_words
from holdfast.clock import SystemClock


def parser_of(words, command):
    parser = CommandParser(command=" ".join(words), summary="")
    command.load()(parser)
    return parser


COMMANDS = {" ".join(words): parser_of(words, command) for words, command in commands_of(PROGRAM.root)}


def words_of(parser):
    return {*parser.long_options(), *parser.positionals()}


def test_each_word_is_one_that_some_command_has():
    there = set().union(*map(words_of, COMMANDS.values()))
    assert {word for words in WORDS.values() for word in words} <= there


@pytest.mark.parametrize(
    ("line", "text", "said"),
    [
        ("cloudsnap list", "credential_id: expected one for S3", "--cred-id: expected one for S3"),
        ("credentials inspect", "credential_id: expected the id", "credential: expected the id"),
        ("cloudsnap backup", "volume_id: expected a volume", "volume: expected a volume"),
        ("cloudsnap history", "volume_id: expected a volume", "--src: expected a volume"),
        (
            "cloudsnap list",
            "body.credential_id: expected text",
            "--cred-id: expected text",
        ),
        (
            "volume create",
            "storage policy gold: spec.size: expected at least 1 bytes; labels: expected those of the policy",
            "storage policy gold: --size: expected at least 1 bytes; --label: expected those of the policy",
        ),
        (
            "volume catalog",
            "depth and max_entries: expected 0 for all",
            "--depth and --max: expected 0 for all",
        ),
        (
            "auth token revoke",
            "token_id, subject, everything: expected one of them",
            "--id, --subject, --everything: expected one of them",
        ),
        (
            "role create",
            "body.role.rules[0].services[1]: expected text",
            "--role-config: rules[0].services[1]: expected text",
        ),
        (
            "role update",
            "rule 1: no such service; allow_unknown stores the role as it is",
            "rule 1: no such service; --allow-unknown stores the role as it is",
        ),
        (
            "secrets list",
            "query parameter secret_namespace: expected text",
            "--secret_options: expected text",
        ),
        ("volume snapshot create", "name: another volume has it", "--name: another volume has it"),
        ("cloudsnap restore", "parent_id: expected one", "parent_id: expected one"),
        ("host mount", "mount_path: expected no symbolic link", "path: expected no symbolic link"),
        (
            "storage-policy create",
            "name: another storage policy has it",
            "policy: another storage policy has it",
        ),
        ("secrets scope set", "prefix: expected no braces", "--prefix: expected no braces"),
        ("secrets scope set", "users, groups: expected names", "--user, --group: expected names"),
        ("secrets scope set", "body.scope.users[1]: expected text", "--user: [1]: expected text"),
        ("secrets list", "prefix: expected a path", "prefix: expected a path"),
        ("secrets vault login", "VAULT_TOKEN: expected one", "--vault-token: expected one"),
        ("secrets aws login", "VAULT_TOKEN: expected one", "VAULT_TOKEN: expected one"),
        ("volume create", "name: another volume has it already", "name: another volume has it already"),
        # What a command has no word for, and what is no field, stays as it is.
        ("cloudsnap status", "credential_id: expected one", "credential_id: expected one"),
        ("volume inspect", "Volume credential_id not found", "Volume credential_id not found"),
        ("cloudsnap list", "credential_identity: expected one", "credential_identity: expected one"),
        ("cloudsnap list", "denied: credential_id: expected one", "denied: credential_id: expected one"),
        ("cloudsnap list", "", ""),
        ("cloudsnap list", ", ".join("0" * 60), ", ".join("0" * 60)),
    ],
)
def test_fields_are_called_as_this_command_has_them(line, text, said):
    assert in_typed_words(text, words_of(COMMANDS[line])) == said


def test_every_field_of_credentials_and_backups_that_can_be_typed_has_a_word():
    """Those are sent as they were typed: an id of a request is never what a person would call it."""
    fields = {
        field.name
        for row in ROWS
        if row.api.service in {"CloudBackup", "Credentials"}
        for field in row.request().DESCRIPTOR.fields
        if field.name.endswith("_id")
    }
    unsent = {"cluster_id", "node_id", "group_id", "backup_schedule_id", "cloud_backup_id"}
    assert fields - unsent <= WORDS.keys()


@pytest.fixture
def node(tmp_path, hfctl):
    """Run commands at a real node, as alice."""
    made = new_node(tmp_path, attaching=False, clock=SystemClock())
    server = RestServer(Calls(made.node))
    try:
        address, path = f"http://127.0.0.1:{server.port}", tmp_path / "token"
        for name, token in (("root", made.admin), ("alice", made.token("alice"))):
            path.write_text(token)
            named = ("--token-file", str(path), "--endpoint", address, "--no-renew")
            code, _, err = hfctl("context", "create", name, *named)
            assert (code, err) == (0, "")
        yield hfctl
    finally:
        server.close()
        made.stop()


def test_what_a_backup_needs_is_told_with_what_there_is(node):
    _, _, err = node("cloudsnap", "list")
    assert err.splitlines()[1:] == [
        "See which there are with `hfctl credentials list`, or make one with `hfctl credentials create`."
    ]


def test_a_role_file_that_cannot_be_is_named_by_its_option_and_place(node, tmp_path):
    path = tmp_path / "role.json"
    for rule, said in (
        ({"services": ["volume"], "canary": ["*"]}, "expected no key in rule 1 but services, apis, scope"),
        ({"services": ["volume"], "apis": "canary"}, "rules[0].apis: expected a list"),
        ({"services": ["volume"], "apis": [["canary"]]}, "rules[0].apis[0]: expected text"),
    ):
        path.write_text(json.dumps({"name": "reader", "rules": [rule]}))
        for verb in ("create", "update"):
            code, out, err = node("role", verb, "--role-config", str(path), "--context", "root")
            assert (bool(code), out) == (True, "")
            assert err.startswith(f"Error: --role-config: {said}")
            assert "canary" not in err


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("cloudsnap list", "--cred-id: expected the id or name of a cloud credential; it may be left out if"),
        ("cloudsnap delete --src data", "--cred-id: expected the id or name of a cloud credential"),
        ("credentials inspect !canary!", "credential: expected the id or the name of a credential"),
        ("volume catalog data --max -1", "--depth and --max: expected 0 for all, or a larger number"),
        ("volume inspect !canary!", "volume: expected the id or the name of a volume"),
    ],
)
def test_what_is_wrong_is_named_as_it_was_typed(node, line, said):
    code, out, err = node(*line.split())
    assert (code, out) == (2, "")
    assert err.startswith(f"Error: {said}")
    assert "canary" not in err


def test_a_login_for_another_provider_names_the_one_that_there_is(node):
    code, _, err = node("secrets", "vault", "login", "--vault-token", "canary", "--context", "root")
    told = [line for line in err.splitlines() if line.startswith("Error: ")]
    said = "Error: this node was started with -secret_type file; the keys of its volumes are there"
    assert (code, told) == (2, [said])
    assert "canary" not in err


def test_a_scope_that_cannot_be_is_named_by_its_option(node):
    for words, said in (
        (("--prefix", "a/{canary}"), "--prefix: expected no braces but"),
        (("--prefix", "a//b"), "--prefix: "),
        (("--prefix", "a", "--namespace", "{canary}"), "--namespace: expected no braces but"),
    ):
        code, _, err = node("secrets", "scope", "set", "team", *words, "--context", "root")
        assert code == 2
        assert err.startswith(f"Error: {said}")
        assert "canary" not in err
