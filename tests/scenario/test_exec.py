"""``holdfast exec`` with a real store, real programs and a real terminal."""

import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.support.ports import free_port
from tests.support.store_process import StoreProcess

from holdfast.client import DcosClient, TlsSettings

SECRET = "marked-7f3a"
LIMIT_SECONDS = 60.0  # a disk that others keep busy holds a write of a secret up for many seconds
# A shell starts what it puts in the background with INT and QUIT ignored, and that is passed on.
UNMUTED = ["env", "--default-signal"]
NOBODY = 65534
# A user who is not root, so that the host shows whom it would let look; reading is all that is left of root.
AS_NOBODY = [
    "setpriv",
    f"--reuid={NOBODY}",
    f"--regid={NOBODY}",
    "--clear-groups",
    "--bounding-set=-all,+dac_read_search",
    "--inh-caps=-all,+dac_read_search",
    "--ambient-caps=-all,+dac_read_search",
]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with StoreProcess(tmp_path_factory.mktemp("store"), tls=True, audit=True) as running:
        running.initialize()
        yield running


@pytest.fixture
def put(store):
    def write(name, **fields):
        store.client().request("PUT", f"secret/data/{name}", {"data": fields})

    write("team/db", password=SECRET, user="app")
    write("top", value="top-value")
    return write


@pytest.fixture
def runtime(tmp_path):
    """A runtime directory in memory; whatever is left in it afterwards is a fault."""
    path = Path("/dev/shm") / f"test-exec-{os.getpid()}-{tmp_path.name}"
    path.mkdir(mode=0o700)
    yield path
    left = [*path.iterdir()]
    shutil.rmtree(path)
    assert left == []


class Exec:
    """Runs the program as somebody who is logged in."""

    def __init__(self, store, runtime, directory, token):
        self.directory = directory
        self.environment = {
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
            "HOME": str(directory),
            "HOLDFAST_ADDR": store.url,
            "HOLDFAST_CACERT": str(store.certificate),
            "HOLDFAST_TOKEN": token,
            "XDG_RUNTIME_DIR": str(runtime),
            "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
        }
        self.launcher = UNMUTED
        self.started = []

    def command(self, *words):
        return [sys.executable, "-m", "holdfast.cli.holdfast", "exec", *words]

    def run(self, *words):
        return subprocess.run(
            self.command(*words),
            capture_output=True,
            text=True,
            env=self.environment,
            cwd=self.directory,
            timeout=LIMIT_SECONDS,
            check=False,
        )

    def start(self, *words):
        process = subprocess.Popen(
            [*self.launcher, *self.command(*words)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=self.environment,
            cwd=self.directory,
        )
        self.started.append(process)
        return process

    def end(self):
        for process in self.started:
            if process.poll() is None:
                for child in children_of(process.pid):
                    os.killpg(child, signal.SIGKILL)
                process.wait(LIMIT_SECONDS)
            process.stdout.close()


@pytest.fixture
def hf(store, put, runtime, tmp_path):
    runner = Exec(store, runtime, tmp_path, store.root_token)
    yield runner
    runner.end()


def children_of(process):
    try:
        return [int(word) for word in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def read_until(process, text):
    """Return what a process prints up to a line with ``text``."""
    lines = []
    deadline = time.monotonic() + LIMIT_SECONDS
    while time.monotonic() < deadline:
        line = process.stdout.readline()
        if not line:
            break
        lines.append(line)
        if text in line:
            return lines
    raise AssertionError(f"never printed {text!r}: {lines}")


def eventually(condition):
    deadline = time.monotonic() + LIMIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


class TestDelivery:
    SHOW = 'printf "%s|" "$PW"; cat "$KEY"; printf "|"; cat "$HOLDFAST_SECRETS_DIR/conf/pw"'

    @pytest.mark.parametrize(
        "words",
        [
            pytest.param(
                [
                    "--env=PW=secret/team/db#password",
                    "--fd=KEY=secret/top",
                    "--file=conf/pw=secret/team/db#user",
                ],
                id="vault-dialect",
            ),
            pytest.param(
                [
                    "--mount=secret",
                    "--service-id=/team/app",
                    "--env=PW=team/db#password",
                    "--fd=KEY=top",
                    "--file=conf/pw=team/db#user",
                ],
                id="below-a-mount-with-the-space-rule",
            ),
        ],
    )
    def test_a_command_finds_its_secrets_in_every_place(self, hf, words):
        done = hf.run(*words, "--", "sh", "-c", self.SHOW)
        assert (done.stdout, done.stderr, done.returncode) == (f"{SECRET}|top-value|app", "", 0)

    def test_the_dcos_dialect_with_an_app_definition(self, hf, put, tmp_path):
        put("team/pw", value="line\n")
        definition = {
            "id": "/team/app",
            "cmd": 'printf "%s" "$MODE $PW"; cat "$HOLDFAST_SECRETS_DIR/conf/pw"; exit 4',
            "env": {"PW": {"secret": "s0"}, "MODE": "prod"},
            "secrets": {"s0": {"source": "top"}, "s1": {"source": "team/pw"}},
            "container": {"volumes": [{"containerPath": "conf/pw", "secret": "s1"}]},
        }
        (tmp_path / "app.json").write_text(json.dumps(definition))
        done = hf.run("--app=app.json")
        assert (done.stdout, done.stderr, done.returncode) == ("prod top-valueline\n", "", 4)
        done = hf.run("--app=app.json", "--service-id=/other/app")
        assert (done.stdout, done.returncode) == ("", 125)
        assert "PW" not in done.stderr
        assert "conf/pw (team/pw): not accessible" in done.stderr

    def test_a_binary_secret_arrives_byte_for_byte(self, hf, store):
        whole = bytes(range(256))
        dcos = DcosClient(store.url, store.root_token, tls=TlsSettings(ca_cert=str(store.certificate)))
        dcos.create("team/whole", whole)
        script = 'cat "$HOLDFAST_SECRETS_DIR/whole" | od -An -v -tx1'
        done = hf.run("--dialect=dcos", "--file=whole=team/whole", "--", "sh", "-c", script)
        assert bytes.fromhex(done.stdout) == whole, done.stderr

    def test_the_token_stays_with_us(self, hf):
        script = 'echo "<$HOLDFAST_TOKEN>"'
        assert hf.run("--env=A=secret/top", "--", "sh", "-c", script).stdout == "<>\n"
        kept = hf.run("--keep-token", "--env=A=secret/top", "--", "sh", "-c", script)
        assert kept.stdout == f"<{hf.environment['HOLDFAST_TOKEN']}>\n"

    def test_without_files_and_watching_we_become_the_command(self, hf):
        process = hf.start(
            "--env=A=secret/top", "--fd=B=secret/top", "--", "sh", "-c", "echo $$ $PPID; cat $B"
        )
        assert process.stdout.read() == f"{process.pid} {os.getpid()}\ntop-value"
        assert process.wait() == 0

    @pytest.mark.parametrize("place", ["--env", "--file"])
    def test_the_command_ignores_no_signal_that_it_would_not_ignore_without_us(self, hf, place):
        asks = ["grep", "SigIgn:", "/proc/self/status"]
        plain = subprocess.run(asks, capture_output=True, text=True, check=True)
        started = hf.run(f"{place}=A=secret/top", "--", *asks)
        assert ignored(started.stdout) == ignored(plain.stdout)


def ignored(line):
    """Return the signals of a SigIgn line, without 32 and 33: posix_spawn of glibc ignores its own two."""
    bits = int(line.split()[1], 16)
    return {number for number in range(1, 65) if bits >> (number - 1) & 1} - {32, 33}


class TestRefusal:
    def test_every_missing_secret_is_named_and_nothing_is_started(self, hf, tmp_path):
        done = hf.run(
            "--env=A=secret/nope",
            "--file=b=secret/team/db#nope",
            "--fd=C=secret/top",
            "--",
            "touch",
            "started",
        )
        assert done.returncode == 125
        assert done.stderr.splitlines() == [
            "Error: the command was not started:",
            "  A (secret/nope): does not exist",
            "  b (secret/team/db#nope): has no field nope; name one as path#field",
        ]
        assert not (tmp_path / "started").exists()

    def test_no_permission(self, store, put, runtime, tmp_path):
        client = store.client()
        rules = 'path "secret/data/top" { capabilities = ["read"] }'
        client.request("PUT", "sys/policies/acl/top-only", {"policy": rules})
        token = client.request("POST", "auth/token/create", {"policies": ["top-only"]})["auth"][
            "client_token"
        ]
        hf = Exec(store, runtime, tmp_path, token)
        done = hf.run("--dialect=dcos", "--env=A=team/db", "--env=B=top", "--", "touch", "started")
        assert done.returncode == 125
        assert "A (team/db): permission denied" in done.stderr
        assert "B (top)" not in done.stderr
        assert not (tmp_path / "started").exists()

    def test_a_store_that_is_away(self, hf):
        hf.environment["HOLDFAST_ADDR"] = f"https://127.0.0.1:{free_port()}"
        done = hf.run("--wait=1s", "--env=A=secret/top", "--", "true")
        assert (done.returncode, done.stdout) == (125, "")
        assert "nothing accepts connections" in done.stderr

    @pytest.mark.parametrize(
        ("words", "code", "text"),
        [
            pytest.param(
                ["--env=A=secret/top", "--", "no-such-program"], 127, "no such program", id="not-there"
            ),
            pytest.param(["--env=A=secret/top", "--", "/etc/passwd"], 126, "executable", id="no-program"),
            pytest.param(
                ["--file=A=secret/top", "--", "no-such-program"], 127, "no such", id="not-there-files"
            ),
            pytest.param(["--env=HOME=secret/top", "--", "true"], 125, "already set", id="variable-is-set"),
            pytest.param(["--file=A=secret/top", "--files-dir=here", "--", "true"], 125, "tmpfs", id="disk"),
            pytest.param(["--env=A=secret/top"], 1, "expected a command", id="no-command"),
            pytest.param(["--", "true"], 1, "at least one secret", id="no-secret"),
            pytest.param(
                ["--env=A=secret/top", "--on-change=exit", "--", "true"], 1, "--watch", id="no-watch"
            ),
            pytest.param(["--env=A=x", "--service-id=", "--", "true"], 1, "--service-id", id="empty-service"),
        ],
    )
    def test_what_cannot_be_done(self, hf, words, code, text):
        done = hf.run(*words)
        assert (done.returncode, done.stdout) == (code, "")
        assert text in done.stderr


class TestSupervision:
    @pytest.mark.parametrize(
        ("script", "code"),
        [
            pytest.param("exit 0", 0, id="done"),
            pytest.param("exit 3", 3, id="failed"),
            pytest.param("exit 255", 255, id="highest"),
            pytest.param("kill -TERM $$", 143, id="terminated"),
            pytest.param("kill -KILL $$", 137, id="killed"),
            pytest.param("kill -USR1 $$", 138, id="other-signal"),
        ],
    )
    def test_the_exit_code_is_the_commands(self, hf, script, code):
        assert hf.run("--file=A=secret/top", "--", "sh", "-c", script).returncode == code

    def test_signals_reach_the_command_and_only_once(self, hf):
        names = ["INT", "HUP", "QUIT", "USR1", "USR2", "WINCH", "TERM"]
        traps = "".join(f'trap "echo got {name}" {name}; ' for name in names)
        process = hf.start(
            "--file=A=secret/top", "--", "sh", "-c", f"{traps} echo ready; while :; do sleep 0.05; done"
        )
        read_until(process, "ready")
        for name in names:
            process.send_signal(signal.Signals[f"SIG{name}"])
            assert read_until(process, "got") == [f"got {name}\n"]

    def test_a_termination_leaves_no_file_behind(self, hf, runtime):
        process = hf.start("--file=A=secret/top", "--", "sh", "-c", "echo ready; exec sleep 60")
        read_until(process, "ready")
        assert len([*runtime.glob("*/A")]) == 1
        process.terminate()
        assert process.wait(LIMIT_SECONDS) == 143
        assert [*runtime.iterdir()] == []

    def test_the_secret_is_nowhere_but_where_it_was_asked_for(self, hf, tmp_path):
        process = hf.start(
            "--watch",
            "--env=PW=secret/team/db#password",
            "--",
            "sh",
            "-c",
            "echo ready; while :; do sleep 1; done",
        )
        read_until(process, "ready")
        (child,) = children_of(process.pid)
        seen = {
            (who, what): SECRET.encode() in Path(f"/proc/{pid}/{what}").read_bytes()
            for who, pid in (("supervisor", process.pid), ("command", child))
            for what in ("cmdline", "environ")
        }
        assert [place for place, found in seen.items() if found] == [("command", "environ")]
        assert not any(SECRET.encode() in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
        process.terminate()
        assert process.wait(LIMIT_SECONDS) == 143

    def test_its_user_may_look_into_the_command_but_not_into_us(self, hf, runtime):
        user = os.geteuid()
        if user == 0:
            hf.launcher, user = AS_NOBODY, NOBODY
            os.chown(runtime, NOBODY, NOBODY)
        process = hf.start(
            "--file=A=secret/top",
            "--",
            "sh",
            "-c",
            "cat $HOLDFAST_SECRETS_DIR/A; echo; while :; do sleep 1; done",
        )
        read_until(process, "top-value")
        (file,) = runtime.glob("*/A")
        (child,) = children_of(process.pid)
        assert (file.stat().st_uid, file.stat().st_mode & 0o777) == (user, 0o400)
        # What may not be looked into belongs to root, whoever runs it.
        assert [Path(f"/proc/{pid}/mem").stat().st_uid for pid in (process.pid, child)] == [0, user]
        process.terminate()
        assert process.wait(LIMIT_SECONDS) == 143

    def test_what_a_killed_supervisor_left_is_removed_by_the_next_one(self, hf, runtime):
        process = hf.start("--file=A=secret/top", "--", "sh", "-c", "echo ready; exec sleep 60")
        read_until(process, "ready")
        (child,) = children_of(process.pid)
        process.kill()
        process.wait(LIMIT_SECONDS)
        os.killpg(child, signal.SIGKILL)
        assert len([*runtime.iterdir()]) == 1
        assert hf.run("--file=A=secret/top", "--", "true").returncode == 0
        assert [*runtime.iterdir()] == []


class TestWatching:
    LOOP = 'trap "exit 9" TERM; echo "start $PW"; while :; do sleep 0.05; done'

    def watch(self, hf, *words, script=LOOP):
        return hf.start("--watch", "--interval=1s", *words, "--", "sh", "-c", script)

    def test_restart(self, hf, put):
        process = self.watch(hf, "--env=PW=secret/team/db#password")
        read_until(process, f"start {SECRET}")
        put("team/db", password="second", user="app")
        told = "".join(read_until(process, "start second"))
        assert re.search(r"changed: PW \(secret/team/db#password\), version \d+ to \d+", told)
        assert "second" not in told.replace("start second", "")
        assert len(children_of(process.pid)) == 1  # the first one was waited for
        process.terminate()
        assert process.wait(LIMIT_SECONDS) == 9

    def test_another_field_changes_nothing(self, hf, put):
        process = self.watch(hf, "--env=PW=secret/team/db#password")
        read_until(process, "start")
        put("team/db", password=SECRET, user="somebody else")
        put("top", value="irrelevant")
        time.sleep(1.5)
        process.terminate()
        assert process.stdout.read() == ""
        assert process.wait(LIMIT_SECONDS) == 9

    def test_who_does_not_end_is_killed_after_the_grace_time(self, hf, put):
        stubborn = 'trap "" TERM; echo "start $PW"; while :; do sleep 0.05; done'
        process = self.watch(hf, "--grace=1s", "--env=PW=secret/top", script=stubborn)
        read_until(process, "start top-value")
        put("top", value="second")
        read_until(process, "start second")

    def test_a_signal_after_the_files_are_new(self, hf, put):
        script = 'trap "cat $HOLDFAST_SECRETS_DIR/pw; echo" HUP; echo ready; while :; do sleep 0.05; done'
        process = self.watch(hf, "--on-change=signal:HUP", "--file=pw=secret/top", script=script)
        read_until(process, "ready")
        put("top", value="second")
        assert read_until(process, "second")[-1] == "second\n"

    def test_a_command_beside_it(self, hf, put, tmp_path):
        helper = tmp_path / "helper"
        helper.write_text(
            '#!/bin/sh\ncat "$HOLDFAST_SECRETS_DIR/pw" > told; echo " $HOLDFAST_EXEC_PID $PW" >> told\n'
        )
        helper.chmod(0o700)
        process = self.watch(
            hf, f"--on-change=run:{helper}", "--file=pw=secret/top", "--env=PW=secret/team/db#password"
        )
        read_until(process, "start")
        (child,) = children_of(process.pid)  # the helper will be another, and may be there a moment longer
        put("top", value="second")
        told = tmp_path / "told"
        eventually(lambda: told.exists() and told.read_text().endswith("\n"))
        assert told.read_text() == f"second {child} \n"

    def test_exit_leaves_the_restart_to_others(self, hf, put):
        process = self.watch(hf, "--on-change=exit", "--env=PW=secret/top")
        read_until(process, "start")
        put("top", value="second")
        assert process.wait(LIMIT_SECONDS) == 9

    def test_a_deleted_secret_is_told_and_the_command_goes_on(self, hf, store, put):
        process = self.watch(hf, "--env=PW=secret/top")
        read_until(process, "start top-value")
        store.client().request("DELETE", "secret/data/top")
        read_until(process, "PW (secret/top): does not exist")
        assert process.poll() is None
        put("top", value="second")
        read_until(process, "start second")

    def test_a_value_that_does_not_fit_is_told_and_the_command_goes_on(self, hf, put):
        process = self.watch(hf, "--env=PW=secret/top")
        read_until(process, "start top-value")
        put("top", value="a\x00b")
        assert "NUL" in read_until(process, "PW: holds")[-1]
        assert process.poll() is None


class Terminal:
    """Somebody at a terminal, in a shell with job control."""

    def __init__(self, hf):
        self.shown = ""
        self.shell, self.descriptor = pty.fork()
        if self.shell == 0:
            os.chdir(hf.directory)
            shell = [*UNMUTED, "bash", "--norc", "--noprofile", "-i"]
            os.execve("/usr/bin/env", shell, {**hf.environment, "PS1": "prompt> "})

    def type(self, text):
        os.write(self.descriptor, text.encode())

    def expect(self, text):
        """Wait until the screen shows ``text``, and forget everything up to it."""
        deadline = time.monotonic() + LIMIT_SECONDS
        while text not in self.shown:
            ready, _, _ = select.select([self.descriptor], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, f"never showed {text!r}: {self.shown!r}"
            self.shown += os.read(self.descriptor, 4096).decode(errors="replace")
        before, _, self.shown = self.shown.partition(text)
        return before

    def close(self):
        os.close(self.descriptor)  # hangs up: the shell and its jobs get SIGHUP
        os.waitpid(self.shell, 0)


@pytest.fixture
def terminal(hf):
    opened = Terminal(hf)
    opened.expect("prompt> ")
    yield opened
    opened.close()


# Says on a terminal what happens to it. The quotes keep what is typed apart from what is printed.
ASKS = """\
#!/bin/sh
trap 'echo inter""rupted' INT
test -t 0 && test -t 1 && echo on a ter""minal
while :; do
    if read answer; then echo "he""ard <$answer>"; fi
    [ "$answer" = bye ] && exit 5
done
"""


@pytest.mark.parametrize(
    "words",
    [
        pytest.param("--env=A=secret/top", id="alone"),
        pytest.param("--file=A=secret/top", id="supervised"),
        pytest.param("--watch --env=A=secret/top", id="watched"),
    ],
)
def test_a_session_at_a_terminal(hf, terminal, tmp_path, words):
    (tmp_path / "asks").write_text(ASKS)
    (tmp_path / "asks").chmod(0o700)
    terminal.type(f"{sys.executable} -m holdfast.cli.holdfast exec {words} -- ./asks\n")
    terminal.expect("on a terminal")
    terminal.type("one\n")
    terminal.expect("heard <one>")
    terminal.type("\x03")  # Ctrl-C goes to the command, once, and to nobody else
    assert "interrupted" not in terminal.expect("interrupted")
    terminal.type("\x1a")  # Ctrl-Z stops the whole job
    terminal.expect("Stopped")
    terminal.type("echo shell has the ter''minal\n")
    terminal.expect("shell has the terminal")
    terminal.type("bg\n")  # it reads, and in the background it may not
    terminal.type("until jobs | grep -q Stopped; do sleep 0.05; done; echo stop''ped by reading\n")
    terminal.expect("stopped by reading")
    terminal.type("fg\n")
    terminal.expect("./asks")
    terminal.type("two\n")
    terminal.expect("heard <two>")
    terminal.type("bye\n")
    terminal.expect("heard <bye>")
    terminal.type("echo code=$?\n")
    terminal.expect("code=5")


def test_a_restarted_command_has_the_terminal_again(hf, put, terminal, tmp_path):
    (tmp_path / "asks").write_text(ASKS)
    (tmp_path / "asks").chmod(0o700)
    terminal.type(
        f"{sys.executable} -m holdfast.cli.holdfast exec --watch --interval=1s --env=A=secret/top -- ./asks\n"
    )
    terminal.expect("on a terminal")
    put("top", value="second")
    terminal.expect("changed: A")
    terminal.expect("on a terminal")
    terminal.type("again\n")
    terminal.expect("heard <again>")
    terminal.type("bye\n")
    terminal.expect("heard <bye>")


# No shell: one that is stopped while its child is about to become a program waits for it, unstoppable.
IDLES = f"""\
#!{sys.executable}
import os, signal
signal.signal(signal.SIGINT, lambda *_: os._exit(3))
print(f"pid={{os.getpid()}}.", flush=True)
while True:
    signal.pause()
"""


def test_the_terminal_stops_and_interrupts_a_command_that_never_reads(hf, terminal, tmp_path):
    (tmp_path / "idles").write_text(IDLES)
    (tmp_path / "idles").chmod(0o700)
    terminal.type(f"{sys.executable} -m holdfast.cli.holdfast exec --file=A=secret/top -- ./idles\n")
    terminal.expect("\npid=")
    command = int(terminal.expect("."))
    terminal.type("\x1a")
    terminal.expect("Stopped")
    eventually(lambda: state_of(command) == "T")
    terminal.type("fg\n")
    eventually(lambda: state_of(command) != "T")
    terminal.type("\x03")
    terminal.type("echo code=$?\n")
    terminal.expect("code=3")


def state_of(process):
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
