"""Contexts are kept for their owner only, shown without tokens, and found again."""

import json
import os
from concurrent.futures import ThreadPoolExecutor

import pytest
import yaml

from holdfast.cli.errors import LocalError
from holdfast.cli.hfctl.context_file import (
    Context,
    Contexts,
    context_file,
    edit_contexts,
    holding,
    read_contexts,
    write_contexts,
)
from holdfast.model import SecretBytes

# A published-form token: HS256, alice, expires 2100-01-01.
TOKEN = (
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJlbWFpbCI6ImFsaWNlQGV4YW1wbGUuY29tIiwiZXhwIjo0MTAyNDQ0ODAwLCJncm91cHMi"
    "OlsiZGV2Il0sImlhdCI6MTcwMDAwMDAwMCwiaXNzIjoiaG9sZGZhc3QudGVzdCIsIm5hbWUiOiJBbGljZSIsInJvbGVzIjpbInN5c3RlbS51c2"
    "VyIl0sInN1YiI6ImFsaWNlIn0.IdV1uthyUvD2B02_N1lxRt0DsgQj-VO8hPcZOr24BsU"
)


def test_what_is_saved_is_private_and_complete(hfctl, home):
    code, _, err = hfctl("context", "create", "alice", f"--token={TOKEN}", "--endpoint=http://127.0.0.1:1")
    assert code == 0
    assert "visible to others" in err
    path = context_file(home)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert yaml.safe_load(path.read_text()) == {
        "contextconfig": {
            "current": "alice",
            "configurations": [
                {
                    "context": "alice",
                    "token": TOKEN,
                    "identity": {"subject": "alice", "name": "Alice", "email": "alice@example.com"},
                    "endpoint": "http://127.0.0.1:1",
                }
            ],
        }
    }


@pytest.mark.parametrize(
    ("words", "endpoint"),
    [
        pytest.param((), "http://127.0.0.1:2", id="of-the-environment"),
        pytest.param(("--endpoint=http://127.0.0.1:1",), "http://127.0.0.1:1", id="named"),
    ],
)
def test_the_node_of_the_environment_is_saved_unless_another_is_named(
    hfctl, home, monkeypatch, words, endpoint
):
    monkeypatch.setenv("HOLDFAST_NODE", "http://127.0.0.1:2")
    assert hfctl("context", "create", "alice", *words)[0] == 0
    monkeypatch.delenv("HOLDFAST_NODE")
    assert read_contexts(context_file(home)).find("alice").endpoint == endpoint


def test_a_node_of_the_environment_that_cannot_be_is_named_by_its_variable(hfctl, home, monkeypatch):
    monkeypatch.setenv("HOLDFAST_NODE", "canary")
    code, _, err = hfctl("context", "create", "alice")
    assert (code, err.startswith("Error: HOLDFAST_NODE: ")) == (1, True)
    assert "canary" not in err
    assert not context_file(home).exists()


def test_programs_are_told_what_was_done_in_json(hfctl):
    done = [
        hfctl("context", *words, "-j")[:2]
        for words in (
            ("create", "alice", "--endpoint=http://127.0.0.1:1"),
            ("set", "alice"),
            ("unset",),
            ("delete", "alice"),
        )
    ]
    assert [(code, json.loads(out)) for code, out in done] == [
        (0, {"context": "alice", "endpoint": "http://127.0.0.1:1"}),
        (0, {"current": "alice"}),
        (0, {"current": ""}),
        (0, {"context": "alice"}),
    ]


@pytest.mark.parametrize("words", [(), ("--json",), ("--output", "yaml")])
def test_list_never_shows_a_token(hfctl, words):
    hfctl("context", "create", "alice", f"--token={TOKEN}")
    code, out, err = hfctl("context", "list", *words)
    assert code == 0
    assert "****" in out
    assert TOKEN not in out + err
    assert TOKEN.rsplit(".", 1)[1] not in out + err


def test_tokens_are_shown_to_who_asks_for_them(hfctl):
    hfctl("context", "create", "alice", f"--token={TOKEN}")
    code, out, _ = hfctl("context", "list", "--show-tokens")
    assert (code, yaml.safe_load(out)["contextconfig"]["configurations"][0]["token"]) == (0, TOKEN)


def test_another_file_of_contexts_can_be_named(hfctl, home, tmp_path, monkeypatch):
    hfctl("context", "create", "alice", f"--token={TOKEN}", "--config", str(tmp_path / "mine"))
    assert not context_file(home).exists()
    assert (tmp_path / "mine").stat().st_mode & 0o777 == 0o600
    assert hfctl("context", "list")[1].count("alice") == 0
    assert "alice" in hfctl("context", "list", "--config", str(tmp_path / "mine"))[1]
    monkeypatch.setenv("HFCTL_CONFIG", str(tmp_path / "mine"))
    assert "alice" in hfctl("context", "list")[1]


def test_a_directory_that_others_can_look_into_is_closed(hfctl, home):
    context_file(home).parent.mkdir(mode=0o755)
    hfctl("context", "create", "alice", f"--token={TOKEN}")
    assert context_file(home).parent.stat().st_mode & 0o777 == 0o700


def test_ctx_is_short_for_context(hfctl):
    assert hfctl("ctx", "create", "one")[0] == 0
    assert "context: one" in hfctl("ctx", "list")[1]


def test_commands_at_the_same_time_do_not_undo_each_other(hfctl, home):
    names = [f"c{number}" for number in range(12)]
    path = context_file(home)

    def add(name):
        edit_contexts(path, lambda saved: saved.with_context(Context(name)))

    with ThreadPoolExecutor(len(names)) as people:
        list(people.map(add, names))
    assert sorted(read_contexts(path).known) == sorted(names)
    assert [file.name for file in path.parent.iterdir() if ".lock" not in file.name] == ["contextconfig"]


def test_who_holds_the_file_for_too_long_is_not_waited_for(home, monkeypatch):
    path = save(home)
    monkeypatch.setattr("holdfast.cli.hfctl.context_file.LOCK_SECONDS", 0.05)
    with holding(path.with_name("contextconfig.lock"), seconds=1) as held:
        assert held
        with pytest.raises(LocalError, match="another command is changing it"):
            edit_contexts(path, lambda saved: saved)


def test_set_unset_delete(hfctl, home):
    for name in ("one", "two"):
        hfctl("context", "create", name)
    assert read_contexts(context_file(home)).current == "one"
    assert hfctl("context", "set", "two")[0] == 0
    assert read_contexts(context_file(home)).current == "two"
    assert hfctl("context", "delete", "two")[0] == 0
    assert read_contexts(context_file(home)).current == ""
    hfctl("context", "set", "one")
    assert hfctl("context", "unset")[0] == 0
    assert read_contexts(context_file(home)).current == ""
    assert list(read_contexts(context_file(home)).known) == ["one"]


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(("set", "none"), id="set-unknown"),
        pytest.param(("delete", "none"), id="delete-unknown"),
        pytest.param(("create", ""), id="empty-name"),
        pytest.param(("create", "a\nb"), id="newline-in-name"),
        pytest.param(("create", "x" * 129), id="huge-name"),
        pytest.param(("create", "a", "--token", "canary-no-jwt"), id="no-token"),
        pytest.param(("create", "a", "--token-file", "/none"), id="no-token-file"),
        pytest.param(("create", "a", "--token-file", "/dev/null"), id="token-file-that-is-empty"),
        pytest.param(("create", "a", "--endpoint", "http://10.0.0.1:9021"), id="plain-http-elsewhere"),
        pytest.param(("create", "a", "--endpoint", "canary"), id="no-address"),
        pytest.param(("create",), id="no-name"),
    ],
)
def test_mistakes_are_named_without_the_value(hfctl, home, words):
    code, out, err = hfctl("context", *words)
    assert code == 1
    assert err.startswith("Error: ") or "WARNING" in err
    assert "canary" not in out + err
    assert not context_file(home).exists()


def save(home, contexts=None):
    one = Contexts().with_context(Context("a", token=SecretBytes(b"t")))
    write_contexts(context_file(home), contexts or one)
    return context_file(home)


def test_a_file_that_others_can_read_is_not_used(home):
    save(home).chmod(0o640)
    with pytest.raises(LocalError, match="chmod 600"):
        read_contexts(context_file(home))


def test_a_link_is_not_followed(home):
    path = save(home)
    path.rename(home / "elsewhere")
    path.symlink_to(home / "elsewhere")
    with pytest.raises(LocalError, match="plain file"):
        read_contexts(context_file(home))


def test_somebody_elses_file_is_not_used(home):
    os.chown(save(home), 12345, 12345)
    with pytest.raises(LocalError, match="belong to the user"):
        read_contexts(context_file(home))


def test_a_pipe_does_not_hang(home):
    path = save(home)
    path.unlink()
    os.mkfifo(path, 0o600)
    with pytest.raises(LocalError, match="plain file"):
        read_contexts(context_file(home))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"contextconfig:", id="null"),
        pytest.param(b"[1, 2]", id="list"),
        pytest.param(b"contextconfig: {configurations: [1]}", id="entries-are-no-maps"),
        pytest.param(b"contextconfig: {configurations: [{token: canary}]}", id="no-name"),
        pytest.param(b"a: [", id="malformed"),
        pytest.param(b"\xff\xfe", id="not-utf8"),
        pytest.param(b"!!python/object/apply:os.system [canary]", id="hostile-tag"),
    ],
)
def test_a_damaged_file_is_said_plainly(home, content):
    save(home).write_bytes(content)
    with pytest.raises(LocalError, match="not a context file") as caught:
        read_contexts(context_file(home))
    assert "canary" not in caught.value.message


def test_a_token_is_not_in_any_repr(home):
    contexts = Contexts().with_context(Context("a", token=SecretBytes(b"canary")))
    assert "canary" not in repr(contexts)
