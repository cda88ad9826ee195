"""One run of ``wrk``: a plan of requests in, throughput and latency out."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from bench.workload import TEAMS, Workload, request_text

SCRIPT = Path(__file__).with_name("load.lua")
THREADS = 2
_MARK = "RESULT "


class Run(msgspec.Struct, frozen=True):
    """What wrk saw.

    Attributes:
        requests: how many were answered.
        seconds: how long it took.
        p50_us: median latency in microseconds.
        p99_us: 99th percentile.
        p999_us: 99.9th percentile.
        errors: answers other than 2xx and 3xx, and connections that failed.
    """

    requests: int
    seconds: float
    p50_us: int
    p99_us: int
    p999_us: int
    errors: int

    @property
    def rate(self) -> float:
        """Answers per second."""
        return self.requests / self.seconds


@dataclass(frozen=True)
class Scenario:
    """A mix of requests.

    Attributes:
        name: for the report.
        write_every: every how many requests one is a write; 0 for none.
        logins: whether machines log in, rather than ask for secrets.
    """

    name: str
    write_every: int = 0
    logins: bool = False


READS = Scenario("reads")
MIXED = Scenario("90/10 mix", write_every=10)
WRITES = Scenario("durable writes", write_every=1)
LOGINS = Scenario("batch logins", logins=True)
SCENARIOS = (READS, MIXED, WRITES, LOGINS)


def find_wrk() -> str:
    """Return where wrk is.

    Raises:
        SystemExit: it is not installed.
    """
    found = shutil.which("wrk")
    if found is None:
        raise SystemExit("wrk is not installed; `./dev bench` does that, or: apt-get install wrk")
    return found


def login_plan_text(load: Workload, machines: list[dict[str, str]]) -> str:
    """Return the plan of logins: every machine once, as text of complete requests."""
    logins = [request_text("POST", load.login_path, body=json.dumps(machine)) for machine in machines]
    return f"return {{ write_every = 0,\nreads = {_lua_list(logins)} }}\n"


def walk_plan_text(load: Workload, tokens: list[str]) -> str:
    """Return a plan of reads that makes each request when it is sent, for more secrets than memory holds."""
    secret, token = 40, "TOKEN"
    text = request_text("GET", load.path(secret), token).replace("%", "%%")
    text = text.replace(load.name(secret), "team-%02d/service-%05d/credentials").replace(token, "%s")
    return (
        f"local tokens = {_lua_list(tokens)}\nlocal text = {json.dumps(text)}\n"
        f"return {{ write_every = 0, count = {load.secrets}, read = function(secret)\n"
        f"local team, service = secret % {TEAMS}, math.floor(secret / {TEAMS})\n"
        f"local token = tokens[service % {load.tokens // TEAMS} * {TEAMS} + team + 1]\n"
        f"return string.format(text, team, service, token) end }}\n"
    )


def plan_text(load: Workload, tokens: list[str], scenario: Scenario) -> str:
    """Return the plan of a scenario about secrets: every one once, as text of complete requests."""
    secrets = range(load.secrets)
    reads = [request_text("GET", load.path(n), tokens[load.token_of(n)]) for n in secrets]
    writes = []
    if scenario.write_every:
        writes = [
            request_text("POST", load.path(n), tokens[load.token_of(n)], json.dumps(load.body(n)))
            for n in secrets
        ]
    return (
        f"return {{ write_every = {scenario.write_every},\n"
        f"reads = {_lua_list(reads)},\nwrites = {_lua_list(writes)} }}\n"
    )


def run_wrk(url: str, plan: Path, *, connections: int, seconds: float) -> Run:
    """Load a server for a while and return what came of it."""
    parts = urlsplit(url)
    completed = subprocess.run(
        [
            find_wrk(),
            *(f"-t{THREADS}", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--timeout", "10s"),
            *("-s", str(SCRIPT), f"{parts.scheme}://{parts.netloc}", "--", str(plan)),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds + 60,
    )
    if completed.returncode:
        raise RuntimeError(f"wrk failed: {completed.stderr.strip() or completed.stdout.strip()}")
    return parse_result(completed.stdout)


def parse_result(output: str) -> Run:
    """Return what the script printed at the end of a run.

    Raises:
        ValueError: it printed nothing that is a result.
    """
    for line in output.splitlines():
        if line.startswith(_MARK):
            return msgspec.json.decode(line.removeprefix(_MARK), type=Run)
    raise ValueError("wrk printed no result")


def _lua_list(texts: list[str]) -> str:
    """Write texts as a Lua list; JSON's escapes for what occurs in a request are Lua's too."""
    return "{" + ",\n".join(json.dumps(text) for text in texts) + "}"
