"""What security costs a call of the storage node's SDK: gates, tokens, lists cut for their reader.

Calls go to two nodes in turn, in the same run and by the same bytes: one as it is, one without gates. Tokens
are verified beside PyJWT, which does the same on top of the same primitives. Lists are of 10,000 volumes, of
which their reader may see 100.
"""

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from bench.cpu import cpu_seconds
from bench.http2 import Load
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
from holdfast.tokens.issuer import Issuer, IssuerRegistry
from holdfast.tokens.key_files import load_verifying_key
from holdfast.tokens.shared_secret import SharedSecretKey
from holdfast.tokens.user_file import User
from holdfast.tokens.verify import Verifier

METHOD = "/openstorage.api.OpenStorageIdentity/Version"
ISSUER = "bench"
RUN_SECONDS = 1.0
AT_ONCE = 32
VOLUMES, READABLE = 10_000, 100
STOP_SECONDS = 30


@dataclass(frozen=True)
class Figure:
    """One comparison.

    Attributes:
        what: what was done.
        unit: of the two figures.
        measured: ours, or the call with security.
        beside: what stood beside it; 0 for nothing.
        ratio: median of the rounds.
        goal: what it is to be.
    """

    what: str
    unit: str
    measured: float
    beside: float
    ratio: float
    goal: str


def measure(rounds: int, say: Callable[[str], None]) -> list[Figure]:
    """Measure everything, each comparison round by round."""
    secret = secrets.token_hex(32)
    return [*_calls(secret, rounds, say), *_tokens(rounds), _list(secret, rounds)]


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


def _tokens(rounds: int) -> list[Figure]:
    claims = {
        "iss": ISSUER, "sub": "alice", "name": "Alice", "email": "alice@example.com", "jti": "0123456789",
        "iat": int(time.time()), "exp": int(time.time()) + 3600,
        "roles": ["system.user"], "groups": ["dev", "ops"],
    }  # fmt: skip
    secret = secrets.token_bytes(64)
    rsa_key = rsa.generate_private_key(65537, 2048)
    ec_key = ec.generate_private_key(ec.SECP256R1())
    cases = {
        "HS256": (secret, secret, SharedSecretKey(SecretBytes(secret))),
        "RS256": (rsa_key, rsa_key.public_key(), load_verifying_key(_pem(rsa_key))),
        "ES256": (ec_key, ec_key.public_key(), load_verifying_key(_pem(ec_key))),
    }
    figures = []
    for algorithm, (signing, public, key) in cases.items():
        token = jwt.encode(claims, signing, algorithm=algorithm)
        registry = IssuerRegistry([Issuer(name=ISSUER, keys=(key,))])
        new = Verifier(registry, clock=SystemClock(), remembered_tokens=0)
        known = Verifier(registry, clock=SystemClock())
        ours = _each(lambda: new.verify(token), rounds)  # noqa: B023 - run at once
        bare = _each(lambda: jwt.decode(token, public, algorithms=[algorithm]), rounds)  # noqa: B023
        ratio = median(one / other for one, other in zip(ours, bare, strict=True))
        figures.append(
            Figure(
                f"a new token, {algorithm}, beside PyJWT",
                "us",
                median(ours),
                median(bare),
                ratio,
                "at most 1.3",
            )
        )
        if algorithm == "HS256":
            seen = _each(lambda: known.verify(token), rounds)  # noqa: B023
            figures.append(Figure("a token seen before", "us", median(seen), 0, 0, "under 5"))
    return figures


def _pem(key: Any) -> bytes:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return bytes(key.public_key().public_bytes(serialization.Encoding.PEM, form))


def _each(step: Callable[[], object], rounds: int, times: int = 400) -> list[float]:
    """Return microseconds of one step, once for each round."""
    found = []
    for _ in range(rounds):
        before = time.perf_counter()
        for _ in range(times):
            step()
        found.append((time.perf_counter() - before) / times * 1e6)
    return found


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
            taken = [each / 1e3 for each in _each(enumerate_all, rounds, times=5)]
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
