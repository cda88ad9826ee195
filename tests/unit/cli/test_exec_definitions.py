"""What ``holdfast exec`` is asked for: bindings, app definitions and reactions, read strictly."""

import json
import signal
from argparse import ArgumentTypeError

import pytest

from holdfast.cli.errors import LocalError, UsageError
from holdfast.cli.exec.app_definition import (
    MAX_DEFINITION_BYTES,
    AppDefinition,
    parse_app_definition,
    read_app_definition,
)
from holdfast.cli.exec.binding import Binding, Place, parse_binding, refuse_collisions
from holdfast.cli.exec.reaction import Kind, Reaction, parse_reaction


@pytest.mark.parametrize(
    ("place", "text", "name", "secret"),
    [
        pytest.param(Place.VARIABLE, "DB=team/db#pw", "DB", "team/db#pw", id="variable"),
        pytest.param(Place.VARIABLE, "_a1=x=y", "_a1", "x=y", id="equals-sign-in-the-secret"),
        pytest.param(Place.FILE, "conf/pw=team/db", "conf/pw", "team/db", id="file"),
        pytest.param(Place.DESCRIPTOR, "KEY=k", "KEY", "k", id="descriptor"),
        pytest.param(Place.VARIABLE, "A" * 254 + "=k", "A" * 254, "k", id="longest-name"),
    ],
)
def test_a_binding(place, text, name, secret):
    assert parse_binding(place, text) == Binding(place, name, secret)


@pytest.mark.parametrize(
    ("place", "text"),
    [
        pytest.param(Place.VARIABLE, "", id="empty"),
        pytest.param(Place.VARIABLE, "DB", id="no-secret"),
        pytest.param(Place.VARIABLE, "DB=", id="empty-secret"),
        pytest.param(Place.VARIABLE, "=team/db", id="no-name"),
        pytest.param(Place.VARIABLE, "1DB=x", id="digit-first"),
        pytest.param(Place.VARIABLE, "D-B=x", id="dash"),
        pytest.param(Place.VARIABLE, "D\nB=x", id="line-break"),
        pytest.param(Place.VARIABLE, "DÉ=x", id="not-ascii"),
        pytest.param(Place.VARIABLE, "A" * 255 + "=k", id="too-long"),
        pytest.param(Place.DESCRIPTOR, "a/b=x", id="descriptor-is-a-variable"),
        pytest.param(Place.FILE, "/etc/passwd=x", id="absolute"),
        pytest.param(Place.FILE, "../x=x", id="climbs-out"),
        pytest.param(Place.FILE, "a/../../x=x", id="climbs-out-later"),
        pytest.param(Place.FILE, "a//b=x", id="empty-segment"),
        pytest.param(Place.FILE, "a/=x", id="directory"),
        pytest.param(Place.FILE, "a\x00b=x", id="nul"),
    ],
)
def test_no_binding(place, text):
    with pytest.raises(UsageError):
        parse_binding(place, text)


@pytest.mark.parametrize(
    "texts",
    [
        pytest.param([(Place.VARIABLE, "A=x"), (Place.VARIABLE, "A=y")], id="variable-twice"),
        pytest.param([(Place.VARIABLE, "A=x"), (Place.DESCRIPTOR, "A=x")], id="variable-and-descriptor"),
        pytest.param([(Place.FILE, "a=x"), (Place.FILE, "a=y")], id="file-twice"),
        pytest.param([(Place.FILE, "a=x"), (Place.FILE, "a/b=y")], id="file-is-a-directory"),
    ],
)
def test_two_secrets_for_one_place_are_refused(texts):
    with pytest.raises(LocalError):
        refuse_collisions([parse_binding(*text) for text in texts])


def test_a_variable_and_a_file_of_one_name_do_not_collide():
    refuse_collisions([parse_binding(Place.VARIABLE, "A=x"), parse_binding(Place.FILE, "A=x")])


APP = {
    "id": "/team/app",
    "cmd": "./serve --port $PORT0",
    "cpus": 0.1,
    "env": {"DB_PW": {"secret": "pw"}, "MODE": "prod"},
    "secrets": {"pw": {"source": "team/db/pw"}, "unused": {"source": "other"}},
    "container": {
        "type": "MESOS",
        "volumes": [
            {"containerPath": "conf/pw", "secret": "pw"},
            {"containerPath": "/data", "hostPath": "/d"},
        ],
    },
}


def test_an_app_definition_says_which_secrets_go_where():
    assert parse_app_definition(APP) == AppDefinition(
        service_id="/team/app",
        variables={"MODE": "prod"},
        bindings=(
            Binding(Place.VARIABLE, "DB_PW", "team/db/pw"),
            Binding(Place.FILE, "conf/pw", "team/db/pw"),
        ),
        command=("/bin/sh", "-c", "./serve --port $PORT0"),
    )


def test_args_are_run_without_a_shell():
    assert parse_app_definition({"args": ["serve", "a b"]}).command == ("serve", "a b")


def test_an_empty_definition_asks_for_nothing():
    assert parse_app_definition({}) == AppDefinition()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param({"secrets": {}}, "undefined secret", id="undefined-secret"),
        pytest.param({"secrets": []}, "secrets", id="secrets-not-an-object"),
        pytest.param({"secrets": {"pw": "team/db/pw"}}, "source", id="secret-is-text"),
        pytest.param({"secrets": {"pw": {"source": ""}}}, "source", id="source-is-empty"),
        pytest.param({"secrets": {"pw": {"source": 1}}}, "source", id="source-is-a-number"),
        pytest.param({"env": {"A": 1}}, "env.A", id="variable-is-a-number"),
        pytest.param({"env": {"A": {"secret": ["pw"]}}}, "env.A", id="reference-is-a-list"),
        pytest.param({"env": {"A B": "x"}}, "variable", id="variable-has-a-blank"),
        pytest.param(
            {"container": {"volumes": [{"secret": "pw"}]}}, "containerPath", id="volume-without-path"
        ),
        pytest.param(
            {"container": {"volumes": [{"secret": "pw", "containerPath": "/etc/pw"}]}},
            "below the secrets directory",
            id="absolute-path",
        ),
        pytest.param(
            {"container": {"volumes": [{"secret": "pw", "containerPath": "../pw"}]}}, "..", id="climbs-out"
        ),
        pytest.param({"container": {"volumes": {}}}, "volumes", id="volumes-not-an-array"),
        pytest.param({"env": []}, "env", id="env-not-an-object"),
        pytest.param({"env": None}, "env", id="env-is-null"),
        pytest.param({"args": "serve"}, "args", id="args-is-text"),
        pytest.param({"cmd": ["serve"]}, "cmd", id="cmd-is-a-list"),
        pytest.param({"id": 7}, "id", id="id-is-a-number"),
        pytest.param({"containers": []}, "pod", id="pod"),
    ],
)
def test_what_marathon_would_refuse_is_refused(change, reason):
    with pytest.raises(LocalError, match=reason):
        parse_app_definition({**APP, **change})


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"[]", id="array"),
        pytest.param(b'{"id": "a", "id": "b"}', id="name-twice"),
        pytest.param(b'{"id": "' + b"a" * MAX_DEFINITION_BYTES + b'"}', id="too-large"),
    ],
)
def test_a_file_that_is_no_definition_is_refused(tmp_path, content):
    (tmp_path / "app.json").write_bytes(content)
    with pytest.raises(LocalError):
        read_app_definition(tmp_path / "app.json")


def test_a_definition_is_read_from_a_file(tmp_path):
    (tmp_path / "app.json").write_text(json.dumps(APP))
    assert read_app_definition(tmp_path / "app.json") == parse_app_definition(APP)


@pytest.mark.parametrize(
    ("text", "reaction"),
    [
        pytest.param("restart", Reaction(Kind.RESTART), id="restart"),
        pytest.param("signal:HUP", Reaction(Kind.SIGNAL, signal=signal.SIGHUP), id="signal"),
        pytest.param("signal:sigusr1", Reaction(Kind.SIGNAL, signal=signal.SIGUSR1), id="signal-in-full"),
        pytest.param("run:reload 'a b'", Reaction(Kind.RUN, command=("reload", "a b")), id="run"),
        pytest.param("run:a;b", Reaction(Kind.RUN, command=("a;b",)), id="run-has-no-shell"),
        pytest.param("exit", Reaction(Kind.EXIT), id="exit"),
        pytest.param("none", Reaction(Kind.NONE), id="none"),
    ],
)
def test_a_reaction(text, reaction):
    assert parse_reaction(text) == reaction


@pytest.mark.parametrize(
    "text", ["", "reload", "signal", "signal:", "signal:NOPE", "run", "run:", "run: ", "run:'a", "RESTART"]
)
def test_no_reaction(text):
    with pytest.raises(ArgumentTypeError):
        parse_reaction(text)
