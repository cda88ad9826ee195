"""A context's token is not in clear on the disk where that can be helped, and is found wherever it is."""

import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from holdfast.cli.errors import LocalError
from holdfast.cli.hfctl import kernel_keyring
from holdfast.cli.hfctl.context_file import context_file, read_contexts
from holdfast.cli.hfctl.token_places import fetch
from holdfast.model import SecretBytes
from holdfast.tokens.generate import generate_token
from holdfast.tokens.shared_secret import SharedSecretKey
from holdfast.tokens.user_file import User

YEAR = 365 * 86_400


def make_token(lifetime=600):
    return generate_token(
        User(sub="alice", roles=("system.user",)),
        issuer="px.example",
        key=SharedSecretKey(SecretBytes(b"k" * 32)),
        issued_at=time.time(),
        lifetime_seconds=lifetime,
    )


@pytest.fixture
def token_file(tmp_path):
    def write(lifetime=600):
        path = tmp_path / "token"
        path.write_text(make_token(lifetime))
        return path

    return write


@pytest.fixture
def no_kernel(monkeypatch):
    """A machine on which system calls of the keyring are filtered, as in many containers."""
    monkeypatch.setattr("platform.machine", lambda: "unknown")


@pytest.fixture(scope="module")
def kernel_keeps_keys():
    """Whether this machine has a keyring that may be used; where not, the word for that is what is tested."""
    try:
        kernel_keyring.fetch("hfctl:probe")
    except OSError:
        return False
    return True


def saved(home, name="alice"):
    return read_contexts(context_file(home)).known[name]


def test_a_token_for_a_day_is_kept_in_the_kernel(hfctl, home, token_file, kernel_keeps_keys):
    path = token_file()
    code, _, err = hfctl("context", "create", "alice", f"--token-file={path}")
    assert code == 0
    token = path.read_text()
    assert fetch(saved(home)).token.reveal().decode() == token
    in_clear = token in context_file(home).read_text()
    assert (in_clear, "kept in clear" in err) == (not kernel_keeps_keys, not kernel_keeps_keys)
    assert token in hfctl("context", "list", "--show-tokens")[1]
    assert token not in hfctl("context", "list")[1]


def test_the_kernel_forgets_with_the_context(hfctl, home, token_file, kernel_keeps_keys):
    hfctl("context", "create", "alice", f"--token-file={token_file()}")
    context = saved(home)
    assert hfctl("context", "delete", "alice")[0] == 0
    if kernel_keeps_keys:
        assert fetch(context).token is None
    else:
        assert context.kept == {}


def test_a_context_that_is_saved_elsewhere_leaves_nothing_behind(hfctl, home, token_file, kernel_keeps_keys):
    hfctl("context", "create", "alice", f"--token-file={token_file()}")
    before = saved(home)
    hfctl("context", "create", "alice", f"--token-file={token_file()}", "--keep-in=file")
    assert saved(home).token is not None
    if kernel_keeps_keys:
        assert fetch(before).token is None
        hfctl("context", "create", "alice", f"--token-file={token_file()}")
        hfctl("context", "create", "alice", f"--token-file={token_file()}")
        assert fetch(saved(home)).token is not None


def test_a_place_that_takes_nothing_leaves_the_context_as_it_was(hfctl, home, token_file, no_kernel):
    hfctl("context", "create", "alice", f"--token-file={token_file()}", "--keep-in=file")
    before = context_file(home).read_text()
    code, _, _ = hfctl("context", "create", "alice", f"--token-file={token_file()}", "--keep-in=kernel")
    assert code == 1
    assert context_file(home).read_text() == before


def test_a_token_that_outlives_a_restart_is_kept_in_the_file_with_a_word_about_it(hfctl, home, token_file):
    path = token_file(YEAR)
    code, _, err = hfctl("context", "create", "alice", f"--token-file={path}")
    assert code == 0
    assert "kept in clear" in err
    assert saved(home).token.reveal().decode() == path.read_text()


def test_the_file_is_taken_without_a_word_where_it_was_asked_for(hfctl, home, token_file, monkeypatch):
    assert hfctl("context", "create", "alice", f"--token-file={token_file()}", "--keep-in=file")[2] == ""
    assert saved(home).token is not None
    monkeypatch.setenv("HFCTL_KEEP_IN", "file")
    assert hfctl("context", "create", "bob", f"--token-file={token_file()}")[2] == ""
    assert saved(home, "bob").token is not None


def test_where_the_kernel_keeps_nothing_the_file_does(hfctl, home, token_file, no_kernel):
    code, _, err = hfctl("context", "create", "alice", f"--token-file={token_file()}")
    assert (code, "the kernel's keyring cannot be used here" in err) == (0, True)
    assert saved(home).token is not None


def test_a_place_that_was_asked_for_and_is_not_there_is_an_error(hfctl, home, token_file, no_kernel):
    code, _, err = hfctl("context", "create", "alice", f"--token-file={token_file()}", "--keep-in=kernel")
    assert (code, "cannot be used here" in err) == (1, True)
    assert not context_file(home).exists()


def test_a_store_that_does_not_answer_is_no_place(hfctl, home, token_file, no_kernel, monkeypatch):
    monkeypatch.setenv("HOLDFAST_ADDR", "http://127.0.0.1:1")
    monkeypatch.setenv("HOLDFAST_TOKEN", "hvs.canary")
    monkeypatch.setenv("HOLDFAST_MAX_RETRIES", "0")
    code, out, err = hfctl("context", "create", "alice", f"--token-file={token_file()}")
    assert (code, "(the store that keeps tokens of contexts: no answer" in err) == (0, True)
    assert "canary" not in out + err
    code, _, err = hfctl("context", "create", "alice", f"--token-file={token_file()}", "--keep-in=store")
    assert (code, err.startswith("Error: the store that keeps tokens of contexts: no answer")) == (2, True)
    assert "HOLDFAST_ADDR" in err
    assert "holdfast node" not in err  # a node is not what is missing


class Refusing(BaseHTTPRequestHandler):
    """A store to which nobody is logged in any more."""

    def do_GET(self):
        body = b'{"errors": ["permission denied"]}'
        self.send_response(403)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def refusing_store():
    with ThreadingHTTPServer(("127.0.0.1", 0), Refusing) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_store_whose_login_has_ended_asks_for_that_login(hfctl, home, monkeypatch, refusing_store):
    monkeypatch.setenv("HOLDFAST_ADDR", refusing_store)
    monkeypatch.setenv("HOLDFAST_TOKEN", "hvs.canary")
    context_file(home).parent.mkdir(mode=0o700)
    context_file(home).write_text(
        "contextconfig:\n  current: alice\n  configurations:\n  - context: alice\n    token_kept:"
        f" {{place: store, address: '{refusing_store}', mount: secret, name: x, version: '2'}}\n"
    )
    context_file(home).chmod(0o600)
    code, out, err = hfctl("whoami", "--endpoint=http://127.0.0.1:1")
    assert (code, "holdfast login" in err, "hfctl" in err, "canary" in out + err) == (2, True, False, False)
    assert err.startswith("Error: the store that keeps tokens of contexts: permission denied")
    context_file(home).unlink()  # or the token would be looked for once more, where no store is then


def test_a_login_to_one_store_is_not_shown_to_another(hfctl, home, monkeypatch):
    context_file(home).parent.mkdir(mode=0o700)
    context_file(home).write_text(
        "contextconfig:\n  current: alice\n  configurations:\n  - context: alice\n    token_kept:"
        " {place: store, address: 'http://127.0.0.1:1', mount: secret, name: x, version: '2'}\n"
    )
    context_file(home).chmod(0o600)
    monkeypatch.setenv("HOLDFAST_ADDR", "http://127.0.0.1:2")
    monkeypatch.setenv("HOLDFAST_TOKEN", "hvs.canary")
    with pytest.raises(LocalError, match="set HOLDFAST_ADDR to that"):
        fetch(saved(home))


def test_a_token_that_has_ended_is_still_there_to_be_refused(hfctl, home, token_file):
    code, _, err = hfctl("context", "create", "alice", f"--token-file={token_file(0)}")
    assert (code, "has ended already" in err) == (0, True)
    assert fetch(saved(home)).token is not None


def test_a_token_that_is_gone_is_said_plainly(hfctl, home):
    context_file(home).parent.mkdir(mode=0o700)
    context_file(home).write_text(
        "contextconfig:\n  current: alice\n  configurations:\n"
        "  - context: alice\n    token_kept: {place: kernel, name: 'hfctl:never-kept'}\n"
    )
    context_file(home).chmod(0o600)
    code, _, err = hfctl("volume", "list")
    assert code == 1
    assert "save a new one" in err or "cannot be used here" in err


@pytest.mark.parametrize("place", ["cloud", ""])
def test_there_are_no_other_places(hfctl, home, place, monkeypatch):
    code, _, err = hfctl("context", "create", "alice", "--keep-in", place)
    assert (code, "expected one of" in err) == (1, True)


def test_no_place_that_the_environment_makes_up(hfctl, monkeypatch):
    monkeypatch.setenv("HFCTL_KEEP_IN", "canary")
    code, _, err = hfctl("context", "create", "alice")
    assert (code, "HFCTL_KEEP_IN" in err, "canary" in err) == (1, True, False)


def test_a_key_of_the_kernel_ends_with_its_token(kernel_keeps_keys):
    if not kernel_keeps_keys:
        with pytest.raises(OSError):
            kernel_keyring.keep("hfctl:test:short", b"x", seconds=1)
        return
    kernel_keyring.keep("hfctl:test:short", b"x", seconds=1)
    assert kernel_keyring.fetch("hfctl:test:short") in {b"x", None}
    deadline = time.monotonic() + 30
    while kernel_keyring.fetch("hfctl:test:short") is not None:
        assert time.monotonic() < deadline
        time.sleep(0.05)
