"""Guides of docs/, carried out by somebody who types what they say.

Every block of the kinds ``sh``, ``hcl`` and ``python`` is run in order, with free ports and own
directories in place of those that the guide names.
"""

import contextlib
import os
import re
import subprocess
import sys
import time
from pathlib import Path

from tests.support import process_logs
from tests.support.ports import free_port

DOCS = Path(__file__).parents[2] / "docs"
START_SECONDS = 60  # a first start may make a key pair of 4096 bits, on a busy machine
_EXPORT = re.compile(r"^export (\w+)=(\S+)", re.MULTILINE)
_BLOCK = re.compile(r"^```(sh|hcl|python)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def blocks_of(name):
    """Return the blocks of a guide as pairs of language and text."""
    return _BLOCK.findall((DOCS / name).read_text(encoding="utf-8"))


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
        (Path(directory) / "mnt").mkdir(exist_ok=True)  # as every host has one
        path = f"{Path(sys.executable).parent}:{os.defpath}:/usr/sbin"
        self.environment = {"PATH": path, "HOME": str(directory)}

    def here(self, text):
        for theirs, ours in self.replacements.items():
            text = text.replace(theirs, ours)
        return text

    def type(self, text, *, stdin=""):
        """Run a block in a shell that stops at the first failure; return what it printed.

        What it exports counts for the blocks after it.
        """
        for name, value in _EXPORT.findall(self.here(text)):
            self.environment[name] = value.replace("$PWD", str(self.directory))
        done = subprocess.run(
            ["/bin/sh", "-euc", self.here(text)],
            cwd=self.directory,
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def start(self, text, *, address):
        """Start a block that goes on running, and wait until something listens at ``address``."""
        log = self.directory / f"service-{len(self.services)}.log"
        process_logs.note(log)
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
