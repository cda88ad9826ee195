"""A password that is typed at a terminal is asked for, and is not to be seen there."""

import os
import pty
import select
import subprocess
import sys
import time

import pytest

PASSWORD = "correct-horse-7f3a"
PATIENCE_SECONDS = 60.0
AUTH = {"auth": {"client_token": "hvs.given", "policies": ["default"], "lease_duration": 60}}
ABOUT = {"data": {"id": PASSWORD, "accessor": "a", "policies": ["default"], "ttl": 0, "renewable": False}}


def type_at_terminal(words, typed, environment):
    """Run a command at a terminal, type a line when it asks; return its exit status and all that was seen."""
    terminal, its_side = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "holdfast.cli.holdfast", *words],
        env=environment,
        stdin=its_side,
        stdout=its_side,
        stderr=its_side,
        start_new_session=True,
    )
    os.close(its_side)
    seen, until, has_typed = b"", time.monotonic() + PATIENCE_SECONDS, False
    while time.monotonic() < until:
        if not select.select([terminal], [], [], 1.0)[0]:
            continue
        try:
            chunk = os.read(terminal, 4096)
        except OSError:  # how Linux says that the other side has closed it
            break
        if not chunk:
            break
        seen += chunk
        if b"will be hidden" in seen and not has_typed:
            os.write(terminal, typed.encode() + b"\n")
            has_typed = True
    os.close(terminal)
    return process.wait(PATIENCE_SECONDS), seen.decode()


@pytest.mark.parametrize(
    ("words", "request_", "answer"),
    [
        pytest.param(
            ["-method=userpass", "username=ann"],
            ("POST", "/v1/auth/userpass/login/ann", {"password": PASSWORD}),
            AUTH,
            id="userpass",
        ),
        pytest.param(
            ["-method=approle", "role_id=r"],
            ("POST", "/v1/auth/approle/login", {"role_id": "r", "secret_id": PASSWORD}),
            AUTH,
            id="approle",
        ),
        pytest.param([], ("GET", "/v1/auth/token/lookup-self", None), ABOUT, id="token"),
    ],
)
def test_what_is_typed_at_the_prompt_is_sent_and_not_shown(wire, home, words, request_, answer):
    wire.answers[request_[:2]] = (200, answer)
    environment = {"HOME": str(home), "HOLDFAST_ADDR": wire.url, "PATH": os.defpath, "TERM": "dumb"}
    status, seen = type_at_terminal(["login", "-no-print", *words], PASSWORD, environment)
    assert status == 0, seen
    assert wire.requests[-1] == request_
    assert PASSWORD not in seen
    kept = (home / ".holdfast-token").read_text()
    assert kept == (PASSWORD if not words else "hvs.given")
    assert (home / ".holdfast-token").stat().st_mode & 0o777 == 0o600
