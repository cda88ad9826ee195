"""docs/getting-started.md, carried out: every block in order, on a real store and a real storage node."""

import contextlib
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.support.store_process import free_port

GUIDE = Path(__file__).parents[2] / "docs" / "getting-started.md"
BLOCK = re.compile(r"^```(sh|hcl|python)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
START_SECONDS = 20


class Reader:
    """Somebody who types what the guide says, with free ports and directories in place of those it names.

    Shares and the root token, which the guide has people type at a prompt, come from standard input.
    """

    def __init__(self, directory):
        self.directory = directory
        self.services = []
        self.replacements = {
            "127.0.0.1:8200": f"127.0.0.1:{free_port()}",
            "127.0.0.1:9021": f"127.0.0.1:{free_port()}",
            "/var/lib/holdfast": f"{directory}/var",
            "/mnt": f"{directory}/mnt",
        }
        path = f"{Path(sys.executable).parent}:{os.defpath}:/usr/sbin"
        self.environment = {"PATH": path, "HOME": str(directory)}

    def here(self, text):
        for theirs, ours in self.replacements.items():
            text = text.replace(theirs, ours)
        return text

    def type(self, text, *, stdin=""):
        """Run a block in a shell that stops at the first failure; return what it printed."""
        done = subprocess.run(
            ["/bin/sh", "-euc", self.here(text)],
            cwd=self.directory,
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def start(self, text, *, address):
        """Start a block that goes on running, and wait until something listens at ``address``."""
        log = self.directory / f"service-{len(self.services)}.log"
        with log.open("wb") as output:
            service = subprocess.Popen(
                ["/bin/sh", "-euc", re.sub(r"holdfast (server|node)", r"exec \g<0>", self.here(text))],
                cwd=self.directory,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        self.services.append(service)
        deadline = time.monotonic() + START_SECONDS
        probe = f"exec 3<>/dev/tcp/{self.here(address).replace(':', '/')}"
        while subprocess.run(["/bin/bash", "-c", probe], stderr=subprocess.DEVNULL, check=False).returncode:
            assert service.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)

    def stop(self):
        """Leave nothing behind, also where the guide broke off half way."""
        for leftover in ("hfctl host unmount data /mnt/data", "hfctl host detach data"):
            with contextlib.suppress(AssertionError):
                self.type(leftover)
        for service in reversed(self.services):
            service.terminate()
            service.wait(START_SECONDS)


@pytest.fixture
def reader(tmp_path):
    someone = Reader(tmp_path)
    for name in ("password.txt", "new-password.txt", "api-key.txt"):
        (tmp_path / name).write_text(name)
    yield someone
    someone.stop()


def test_the_guide_works_as_it_is_written(reader):
    blocks = BLOCK.findall(GUIDE.read_text(encoding="utf-8"))
    assert len(blocks) >= 10
    shares, root = [], ""
    for language, text in blocks:
        if language == "hcl":
            (reader.directory / "config.hcl").write_text(reader.here(text))
        elif language == "python":
            token = reader.type("holdfast token create -policy=team -field=token")
            reader.type(f"{sys.executable} -", stdin=reader.here(text).replace("hvs....", token))
        elif "holdfast server" in text:
            reader.start(text, address="127.0.0.1:8200")
        elif "holdfast node" in text:
            more = " --listen 127.0.0.1:9021 --mount-root /mnt --disable-mlock"
            reader.start(text.rstrip() + more, address="127.0.0.1:9021")
        elif "operator init" in text:
            reader.environment["HOLDFAST_ADDR"] = re.search(r"HOLDFAST_ADDR=(\S+)", reader.here(text))[1]
            printed = reader.type(text)
            shares = re.findall(r"Unseal Key \d: (.+)", printed)
            root = re.search(r"Root Token: (.+)", printed)[1]
        elif "operator unseal" in text:
            for share in shares[:2]:
                reader.type("holdfast operator unseal", stdin=share)
            reader.type(text, stdin=shares[2])
        elif "operator seal" in text:
            seal, rotate = text.splitlines()
            reader.type(f"{rotate}\n{seal}")
        else:
            reader.type(text, stdin=root if "holdfast login" in text else "")
