"""With a real store, the commands of `dcos security` and `dcos auth` do what their users' guides say."""

import os
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.support.gpg import GpgHome
from tests.support.store_process import StoreProcess
from tests.support.transcript import play

TRANSCRIPTS = Path(__file__).parent / "transcripts"
PROGRAMS = Path(sys.executable).parent
SECONDS = 60
ADMIN = "admin-password-77"

pytestmark = pytest.mark.timeout(300)  # dozens of commands, on a machine that may be busy


class Desk:
    """Two people at a store: an administrator, whose home is HOME, and a user, whose home is PX."""

    def __init__(self, store, directory):
        self.work = directory / "work"
        self.environment = {
            "PATH": f"{PROGRAMS}:/usr/bin:/bin",
            "HOLDFAST_ADDR": store.url,
            "LC_ALL": "C.UTF-8",
        }
        for name in ("HOME", "PX"):
            home = directory / name.lower()
            home.mkdir()
            self.environment[name] = str(home)
        self.work.mkdir()
        self.write("admin.password", f"{ADMIN}\n".encode())
        self.write("px.password", b"driver-password-12\n")

    def write(self, name, content):
        (self.work / name).write_bytes(content)
        (self.work / name).chmod(0o600)

    def at_terminal(self, words, *answers):
        """Run a command on a terminal of its own; return what it showed, and its exit code.

        Each answer is typed when the last characters shown are those before it.
        """
        screen, terminal = os.openpty()
        # The shell leads a session, so the terminal that it opens becomes the one of the session.
        path = os.ttyname(terminal)
        child = subprocess.Popen(
            ["/bin/sh", "-c", f'exec {words} <"{path}" >"{path}" 2>&1'],
            cwd=self.work,
            env=self.environment,
            start_new_session=True,
        )
        try:
            seen = self._watch(screen, terminal, child, [*answers])
        finally:
            os.close(screen)
            os.close(terminal)
        return seen.replace(b"\r\n", b"\n"), child.wait(timeout=SECONDS)

    def _watch(self, screen, terminal, child, answers):
        seen = b""
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            has_ended = child.poll() is not None  # so what is shown from here on is all there will be
            if select.select([screen], [], [], 0.05)[0]:
                seen += os.read(screen, 65536)
            elif has_ended:
                return seen
            if answers and seen.endswith(answers[0][0]):
                os.write(screen, answers.pop(0)[1] + b"\n")
        child.kill()
        raise AssertionError(f"the command did not end; it showed {seen!r}")

    def play(self, name):
        text = (TRANSCRIPTS / name).read_text(encoding="utf-8")
        return play(text, directory=self.work, environment=self.environment)


def store_of_admin(directory, further=""):
    """Return a store whose first superuser is called admin."""
    password = directory / "first.password"
    password.write_text(ADMIN)
    password.chmod(0o600)
    settings = f'iam {{\n  superuser = "admin"\n  superuser_password_file = "{password}"\n}}\n{further}'
    return StoreProcess(directory, audit=True, settings=settings)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("dcos_volume_user.txt", id="volume-user"),
        pytest.param("dcos_people.txt", id="people"),
        pytest.param("dcos_values.txt", id="values"),
    ],
)
def test_a_session_of_an_administrator(tmp_path, name):
    with store_of_admin(tmp_path) as store:
        store.initialize(shares=1, threshold=1)
        Desk(store, tmp_path).play(name)
        spoken = store.log() + store.audit_path.read_text()
    for secret in (ADMIN, "driver-password-12", "v0lume-k3y", "first-password-1"):
        assert secret not in spoken


def test_a_store_from_its_first_keys_to_the_keys_of_a_person(tmp_path):
    with StoreProcess(tmp_path) as store, GpgHome(tmp_path / "gpg") as ada:
        ada.generate("ada", bits=2048)
        desk = Desk(store, tmp_path)
        desk.environment["GNUPGHOME"] = str(ada.directory)
        desk.write("ada.public", ada.gpg("--export", "ada"))
        desk.write("ada.secret", ada.gpg("--export-secret-keys", "--armor", "ada"))
        desk.play("dcos_seal.txt")


def test_a_store_with_a_private_key_at_hand_opens_when_a_superuser_says_so(tmp_path):
    with store_of_admin(tmp_path, 'seal "gpg" {\n  private_key = "storage"\n}') as store:
        deadline = time.monotonic() + SECONDS
        while b'"sealed":true' in store.get("/secrets/v1/seal-status/default").data:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        Desk(store, tmp_path).play("dcos_auto_unseal.txt")


def test_what_is_typed_at_a_terminal_is_hidden_and_what_could_harm_it_stays_away(tmp_path):
    with store_of_admin(tmp_path) as store:
        store.initialize(shares=1, threshold=1)
        desk = Desk(store, tmp_path)
        hidden = b"(will be hidden): "
        shown, code = desk.at_terminal("holdfast auth login --username admin", (hidden, ADMIN.encode()))
        assert (code, ADMIN.encode() in shown) == (0, False), shown

        create = "holdfast security org users create ada"
        typo = [(hidden, b"ada-password-31"), (b"Once more: ", b"ada-password-13")]
        shown, code = desk.at_terminal(create, *typo)
        assert (code, b"the same one twice" in shown) == (1, True), shown
        shown, code = desk.at_terminal(create, typo[0], (b"Once more: ", b"ada-password-31"))
        assert (code, b"ada-password" in shown) == (0, False), shown

        desk.write("bin", b"\x1b]0;owned\x07")
        get = "holdfast security secrets get"
        assert desk.at_terminal("holdfast security secrets create -f bin bin")[1] == 0
        shown, code = desk.at_terminal(f"{get} bin")
        assert (code, b"\x1b" in shown, b"the secret is binary" in shown) == (1, False, True), shown
        assert desk.at_terminal(f"{get} --raw bin") == (b"\x1b]0;owned\x07", 0)
        assert desk.at_terminal("holdfast security secrets create -t px.password text")[1] == 0
        assert desk.at_terminal(f"{get} text") == (b"driver-password-12\n\n", 0)
