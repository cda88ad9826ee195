"""A token is replaced before it ends, by one command at a time; one that still holds is never in the way."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from holdfast.cli.errors import LocalError
from holdfast.cli.hfctl import renewal
from holdfast.cli.hfctl.context_file import context_file, edit_contexts, holding, read_contexts
from holdfast.cli.hfctl.renewal import usable_token
from holdfast.cli.hfctl.token_claims import life_of
from holdfast.client import SdkClient
from holdfast.model import SecretBytes
from holdfast.tokens.generate import generate_token
from holdfast.tokens.shared_secret import SharedSecretKey
from holdfast.tokens.user_file import User

SECRET = b"0123456789abcdef0123456789abcdef"


def make_token(*, age=0, lifetime=600):
    token = generate_token(
        User(sub="robot", roles=("system.user",)),
        issuer="px.example",
        key=SharedSecretKey(SecretBytes(SECRET)),
        issued_at=time.time() - age,
        lifetime_seconds=lifetime,
    )
    return SecretBytes(token.encode())


def no_node(_token, _seconds):
    return SdkClient("http://127.0.0.1:1", timeout_seconds=1)


@pytest.fixture
def path(home):
    return context_file(home)


@pytest.fixture
def robot(hfctl, home, path):
    """Save a context that makes its own tokens; return how to give it a token of another age."""
    (home / "key").write_bytes(SECRET)
    (home / "key").chmod(0o600)
    (home / "robot.yaml").write_text("sub: robot\nroles: [system.user]\n")
    words = [f"--auth-config={home}/robot.yaml", "--issuer=px.example", f"--shared-secret-file={home}/key"]
    assert hfctl("context", "create", "robot", *words, "--token-duration=10m", "--keep-in=file")[0] == 0
    return lambda **age: put(path, "robot", make_token(**age))


def put(path, name, token):
    edit_contexts(path, lambda saved: saved.with_context(replace(saved.known[name], token=token)))
    return token.reveal()


def used(path, name, node=no_node):
    return usable_token(path, read_contexts(path).known[name], node=node).reveal()


def test_a_context_that_makes_its_own_tokens_has_one(robot, path):
    context = read_contexts(path).known["robot"]
    assert context.identity == {"subject": "robot"}
    life = life_of(context.token)
    assert life.ends_at - life.issued_at == 600


def test_a_fresh_token_is_used_as_it_is(robot, path):
    old = robot(age=300)
    assert used(path, "robot") == old


def test_a_token_with_a_third_of_its_life_left_is_replaced_and_saved(robot, path):
    old = robot(age=401)
    new = used(path, "robot")
    assert new != old
    assert not life_of(SecretBytes(new)).is_due(time.time())
    assert read_contexts(path).known["robot"].token.reveal() == new
    assert used(path, "robot") == new


def test_a_token_that_has_ended_is_replaced(robot, path):
    old = robot(age=1000)
    assert used(path, "robot") != old


def test_a_token_that_was_lost_is_replaced(robot, path):
    edit_contexts(path, lambda saved: saved.with_context(replace(saved.known["robot"], token=None)))
    assert life_of(SecretBytes(used(path, "robot"))).ends_at > time.time()


def test_what_cannot_be_renewed_is_used_while_it_holds(robot, path, home, capsys):
    (home / "key").unlink()
    old = robot(age=401)
    assert used(path, "robot") == old
    assert capsys.readouterr() == ("", "")


def test_a_failure_is_not_repeated_with_every_command(robot, path, home, monkeypatch):
    (home / "key").unlink()
    old = robot(age=401)
    assert used(path, "robot") == old
    monkeypatch.setattr(renewal, "_renew", lambda *_, **__: pytest.fail("tried again at once"))
    assert used(path, "robot") == old


def test_what_has_ended_and_cannot_be_renewed_is_said(robot, path, home, capsys):
    (home / "key").unlink()
    old = robot(age=1000)
    assert used(path, "robot") == old  # the node says what it thinks of it
    assert "could not be renewed: --shared-secret-file: cannot be read" in capsys.readouterr().err


def test_of_several_commands_at_once_one_makes_a_token(robot, path, monkeypatch):
    robot(age=1000)
    made = []
    make = renewal._renew
    monkeypatch.setattr(renewal, "_renew", lambda *words, **more: made.append(1) or make(*words, **more))
    with ThreadPoolExecutor(6) as commands:
        tokens = set(commands.map(lambda _: used(path, "robot"), range(6)))
    assert (len(made), len(tokens)) == (1, 1)


def test_nobody_waits_for_another_command_while_the_token_holds(robot, path):
    old = robot(age=401)
    with holding(path.with_name("contextconfig.renewing"), seconds=1) as held:
        assert held
        assert used(path, "robot") == old


def test_a_context_that_was_made_anew_meanwhile_is_left_alone(robot, path, monkeypatch):
    robot(age=401)
    other = make_token()
    make = renewal._renew

    def meanwhile(*words, **more):
        put(path, "robot", other)
        return make(*words, **more)

    monkeypatch.setattr(renewal, "_renew", meanwhile)
    used(path, "robot")
    assert read_contexts(path).known["robot"].token.reveal() == other.reveal()


def test_a_node_that_does_not_answer_costs_nothing_but_the_try(hfctl, path, tmp_path):
    hfctl("context", "create", "alice", "--keep-in=file", f"--token={make_token().reveal().decode()}")
    old = put(path, "alice", make_token(age=500))
    assert used(path, "alice") == old


def test_a_node_is_not_asked_for_what_has_ended(hfctl, path, capsys):
    hfctl("context", "create", "alice", "--keep-in=file", f"--token={make_token().reveal().decode()}")
    old = put(path, "alice", make_token(age=1000))
    assert used(path, "alice", node=lambda *_: pytest.fail("asked")) == old
    assert "has ended" in capsys.readouterr().err


def test_nobody_renews_what_somebody_else_looks_after(hfctl, path):
    hfctl(
        "context", "create", "a", "--keep-in=file", "--no-renew", f"--token={make_token().reveal().decode()}"
    )
    old = put(path, "a", make_token(age=500))
    assert used(path, "a", node=lambda *_: pytest.fail("asked")) == old


def test_a_guest_has_no_token(hfctl, path):
    hfctl("context", "create", "guest")
    assert usable_token(path, read_contexts(path).known["guest"], node=no_node) is None


def test_a_home_that_cannot_be_written_to_is_no_reason_to_fail(robot, path, monkeypatch):
    old = robot(age=401)

    def read_only(*_, **__):
        raise PermissionError(13, "read-only")

    monkeypatch.setattr(renewal, "holding", read_only)
    assert used(path, "robot") == old


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(("--issuer=px",), id="only-an-issuer"),
        pytest.param(("--auth-config=x.yaml", "--issuer=px"), id="no-key"),
        pytest.param(("--shared-secret-file=k",), id="only-a-key"),
        pytest.param(("--oidc-issuer=https://x",), id="no-client"),
        pytest.param(("--oidc-client-id=x",), id="no-provider"),
        pytest.param(("--token=x", "--token-file=y"), id="two-tokens"),
        pytest.param(("--token=x", "--oidc-issuer=https://x", "--oidc-client-id=x"), id="token-and-provider"),
    ],
)
def test_a_context_has_one_source_of_tokens(hfctl, path, words):
    code, _, err = hfctl("context", "create", "a", *words)
    assert (code, "expected" in err) == (1, True)
    assert not path.exists()


def test_the_command_that_has_no_token_is_refused_with_advice(robot, path, home):
    (home / "key").unlink()
    edit_contexts(path, lambda saved: saved.with_context(replace(saved.known["robot"], token=None)))
    with pytest.raises(LocalError, match="save a new one"):
        used(path, "robot")
