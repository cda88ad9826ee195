"""What security costs a call of the storage node's SDK: gates, tokens, lists cut for their reader.

Calls go to two nodes in turn, in the same run and by the same bytes: one as it is, one without gates. Tokens
are verified beside others (``sdk_tokens``). Lists are of 10,000 volumes, of which their reader may see 100.
"""

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from bench.cpu import cpu_seconds
from bench.figure import Figure
from bench.http2 import Load
from bench.sdk_tokens import ISSUER
from bench.sdk_tokens import measure as measure_tokens
from holdfast.api.sdk.calls import Calls
from holdfast.api.sdk.proto.volume_pb2 import SdkVolumeEnumerateRequest
from holdfast.api.sdk.services.volume import enumerate_volumes
from holdfast.clock import SystemClock
from holdfast.model import SecretBytes
from holdfast.node import apis
from holdfast.node.access.ownership_note import note_of
from holdfast.node.inventory.catalog import Catalog
from holdfast.node.inventory.records import VolumeRecord, VolumeState
from holdfast.noded.assembly import open_node
from holdfast.noded.config import read_config
from holdfast.noded.options import NodeOptions
from holdfast.policy.ownership import Ownership
from holdfast.storage.factory import open_storage
from holdfast.tokens.generate import generate_token
from holdfast.tokens.shared_secret import SharedSecretKey
from holdfast.tokens.user_file import User

METHOD = "/openstorage.api.OpenStorageIdentity/Version"
RUN_SECONDS = 1.0
AT_ONCE = 32
VOLUMES, READABLE = 10_000, 100
STOP_SECONDS = 30


def measure(rounds: int, say: Callable[[str], None]) -> list[Figure]:
    """Measure everything, each comparison round by round."""
    secret = secrets.token_hex(32)
    return [*_calls(secret, rounds, say), *measure_tokens(rounds), _list(secret, rounds)]


def _calls(secret: str, rounds: int, say: Callable[[str], None]) -> list[Figure]:
    with TemporaryDirectory(prefix="holdfast-bench-") as name, ExitStack() as closing:
        nodes = {kind: closing.enter_context(_node(Path(name), kind, secret)) for kind in ("gated", "open")}
        token = _token(secret)
        loads = {kind: Load(port, METHOD, token, AT_ONCE) for kind, (port, _) in nodes.items()}
        for load in loads.values():
            closing.callback(load.close)
            load.run(RUN_SECONDS)  # warm
        rates: dict[str, list[float]] = {kind: [] for kind in nodes}
        costs: dict[str, list[float]] = {kind: [] for kind in nodes}
        for number in range(rounds):
            for kind in sorted(nodes, reverse=number % 2 == 1):
                before = cpu_seconds([nodes[kind][1]])
                done, seconds = loads[kind].run(RUN_SECONDS)
                rates[kind].append(done / seconds)
                costs[kind].append((cpu_seconds([nodes[kind][1]]) - before) / done * 1e6)
            say(f"round {number + 1}: {rates['gated'][-1]:.0f} and {rates['open'][-1]:.0f} calls per second")
    return [
        _figure(
            "authenticated Identity.Version over gRPC, beside no security", "calls/s", rates, "at least 0.70"
        ),
        _figure("the same, CPU of the node", "us", costs, ""),
    ]


def _figure(what: str, unit: str, by_kind: dict[str, list[float]], goal: str) -> Figure:
    gated, open_ = by_kind["gated"], by_kind["open"]
    ratio = median(one / other for one, other in zip(gated, open_, strict=True))
    return Figure(what, unit, median(gated), median(open_), ratio, goal)


@contextmanager
def _node(directory: Path, kind: str, secret: str) -> Iterator[tuple[int, int]]:
    """Run a node for the length of a block; yield its port and process id."""
    with (directory / f"{kind}.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "bench.sdk_node", str(directory), kind],
            env={"PATH": os.environ["PATH"], "PORTWORX_AUTH_JWT_SHAREDSECRET": secret},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
        )
        try:
            line = process.stdout.readline() if process.stdout else b""
            if not line:
                raise RuntimeError((directory / f"{kind}.log").read_text()[-2000:])
            yield int(line), process.pid
        finally:
            process.terminate()
            process.wait(STOP_SECONDS)
            if process.stdout:
                process.stdout.close()


def _token(secret: str, **claims: Any) -> str:
    user = User(name="alice", email="alice@example.com", sub="alice", roles=("system.user",), **claims)
    key = SharedSecretKey(SecretBytes(secret.encode()))
    return generate_token(user, issuer=ISSUER, key=key, issued_at=time.time(), lifetime_seconds=3600)


def _list(secret: str, rounds: int) -> Figure:
    with TemporaryDirectory(prefix="holdfast-bench-") as name:
        environment = {"PORTWORX_AUTH_JWT_SHAREDSECRET": secret}
        config_file = Path(name) / "config.json"
        config_file.write_text("{}")
        options = NodeOptions(storage=str(Path(name) / "node"), jwt_issuer=ISSUER, config=str(config_file))
        config = read_config(options, environment)
        config.storage.mkdir(mode=0o700)
        storage = open_storage("file", {"path": str(config.storage / "records")}, clock=SystemClock())
        catalog = Catalog(storage)
        for number in range(VOLUMES):
            catalog.insert(_volume(number))
        catalog.index_ownership()
        storage.close()
        with open_node(config, backend="auto") as opened:
            calls, authorization = Calls(opened.node), f"bearer {_token(secret)}".encode()

            def enumerate_all() -> None:
                with calls.passing(apis.VOLUME_ENUMERATE, authorization, b"", peer="bench") as call:
                    answer = enumerate_volumes(call, SdkVolumeEnumerateRequest())
                    if len(answer.volume_ids) != READABLE:
                        raise RuntimeError("a list of other volumes than expected")
                    answer.SerializeToString()

            enumerate_all()
            taken = []
            for _ in range(rounds):
                before = time.perf_counter()
                enumerate_all()
                taken.append((time.perf_counter() - before) * 1e3)
    return Figure(
        f"a list of {VOLUMES:,} volumes, of which {READABLE} may be seen",
        "ms",
        median(taken),
        0,
        0,
        "under 100",
    )


def _volume(number: int) -> VolumeRecord:
    owner = "alice" if number % (VOLUMES // READABLE) == 0 else f"user-{number % 50}"
    return VolumeRecord(
        id=str(10**17 + number),
        name=f"volume-{number}",
        uuid=f"00000000-0000-4000-8000-{number:012d}",
        size_bytes=1 << 30,
        file_system="ext4",
        state=VolumeState.READY,
        created_at=1_700_000_000,
        stored_ownership=note_of(Ownership(owner=owner)),
        labels={"app": "bench"},
        key=None,
    )
