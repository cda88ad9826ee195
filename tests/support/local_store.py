"""A whole store in one process, both dialects in front of it, spoken to in HTTP without sockets.

Storage, audit sink and clock are things that a test can break, read and turn; everything between them and
the bytes on the wire is what runs in production.
"""

import json
from dataclasses import dataclass, field
from itertools import count

from tests.support.collecting_sink import CollectingSink
from tests.support.http_wire import answers_in

from holdfast.audit import AuditBroker, AuditDevice, AuditSinkError
from holdfast.clock import ManualClock
from holdfast.http.connections import Connections
from holdfast.http.limits import Limits
from holdfast.http.memory_transport import MemoryTransport
from holdfast.http.protocol import HttpConnection
from holdfast.iam.passwords import LEAST_ITERATIONS, LEAST_MEMORY_KIB, PasswordCost
from holdfast.iam.settings import IamSettings
from holdfast.server.application import Application, error_body
from holdfast.storage.memory import MemoryStorage
from holdfast.store.audit.rules import AuditRules
from holdfast.store.facts import Facts
from holdfast.store.local import LocalStore
from holdfast.store.seal_settings import SealSettings

VAULT = "/v1/"
DCOS = "/secrets/v1/"
IAM = "/acs/api/v1/"
CHEAPEST_PASSWORDS = IamSettings(
    password_cost=PasswordCost(memory_kib=LEAST_MEMORY_KIB, iterations=LEAST_ITERATIONS)
)


@dataclass(frozen=True)
class Reply:
    """One answer, taken apart."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def data(self):
        return self.json["data"]

    @property
    def auth(self):
        return self.json["auth"]

    @property
    def errors(self):
        return self.json["errors"]


@dataclass
class StoreUnderTest:
    """A store, uninitialised until ``initialize``; ``root`` and ``shares`` are known from then on."""

    storage: MemoryStorage = field(default_factory=MemoryStorage)
    clock: ManualClock = field(default_factory=ManualClock)
    sinks: dict[str, CollectingSink] = field(default_factory=dict)
    audit_opens: bool = True
    max_secret_bytes: int = 1024 * 1024
    limits: Limits = field(default_factory=Limits)
    iam: IamSettings = CHEAPEST_PASSWORDS
    node_id: str = ""
    seal_settings: SealSettings | None = None
    audit_rules: AuditRules = field(default_factory=AuditRules)
    root: str = ""
    shares: list[str] = field(default_factory=list)

    def __post_init__(self):
        self.start()

    def start(self):
        """Begin as a new process does: sealed, over whatever the storage holds."""
        self.local = LocalStore(
            self.storage,
            clock=self.clock,
            audit_devices=tuple(self.sinks),
            open_audit_devices=self._open_devices,
            max_secret_bytes=self.max_secret_bytes,
            iam=self.iam,
            seal=self.seal_settings,
            node_id=self.node_id,
            facts=Facts(audit=self.audit_rules),
        )
        self.application = Application(self.local.store)

    def restart(self, *, storage=None):
        """Lose everything in memory and unseal again."""
        self.storage = storage or self.storage
        self.start()
        self.unseal()

    def initialize(self, *, shares=5, threshold=3):
        made = self.vault("PUT", "sys/init", {"secret_shares": shares, "secret_threshold": threshold}).json
        self.root, self.shares, self.threshold = made["root_token"], made["keys"], threshold
        self.unseal()
        return self

    def unseal(self):
        for share in self.shares[: self.threshold]:
            status = self.vault("PUT", "sys/unseal", {"key": share}).json
        assert status["sealed"] is False

    def seal(self):
        assert self.vault("PUT", "sys/seal", token=self.root).status == 204

    def vault(self, method, path, body=None, *, token="", headers=(), raw=None):
        """Send one request in the Vault dialect; ``raw`` is a body that is no JSON object."""
        credential = (f"X-Vault-Token: {token}",) if token else ()
        return self.send(request(method, VAULT + path, body, raw=raw, headers=(*credential, *headers)))

    def dcos(self, method, path, body=None, *, token="", headers=(), raw=None):
        """Send one request in the DC/OS dialect."""
        credential = (f"Authorization: token={token}",) if token else ()
        return self.send(request(method, DCOS + path, body, raw=raw, headers=(*credential, *headers)))

    def acs(self, method, path, body=None, *, token=None, headers=(), raw=None):
        """Send one request to the IAM, as root unless another token is given."""
        token = self.root if token is None else token
        credential = (f"Authorization: token={token}",) if token else ()
        return self.send(request(method, IAM + path, body, raw=raw, headers=(*credential, *headers)))

    def send(self, data: bytes) -> Reply:
        """Send the bytes of one request on a connection of its own."""
        (reply,) = self.send_all(data)
        return reply

    def send_all(self, data: bytes) -> list[Reply]:
        """Send requests, one behind the other, on a connection of their own."""
        transport = MemoryTransport()
        connection = HttpConnection(self.application.handle, error_body, Connections(self.limits))
        connection.connection_made(transport)
        connection.data_received(data)
        answers = answers_in(transport.take(), without_body=data.startswith(b"HEAD"))
        return [Reply(answer.status, answer.headers, answer.body) for answer in answers]

    def token(self, *, by=None, **wanted):
        """Make a token with ``by`` or the root token, with the same policies unless told; return its text."""
        return self.create_token(by=by, **wanted).auth["client_token"]

    def create_token(self, *, by=None, path="auth/token/create", **wanted):
        return self.vault("POST", path, wanted, token=by or self.root)

    def policy(self, name, text):
        answer = self.vault("PUT", f"sys/policies/acl/{name}", {"policy": text}, token=self.root)
        assert answer.status == 204, answer.body
        return name

    def token_for(self, rules, **wanted):
        """Make a token that may do exactly ``rules``: path patterns to lists of capabilities."""
        blocks = (f'path "{path}" {{ capabilities = {json.dumps(can)} }}' for path, can in rules.items())
        name = self.policy(f"test-{next(_numbers)}", "\n".join(blocks))
        return self.token(policies=[name], no_default_policy=True, **wanted)

    def is_live(self, token):
        """Whether the store still takes a token; any live one may ask which mounts it reaches."""
        return self.vault("GET", "sys/mounts", token=token).status == 200

    def _open_devices(self, keys):
        if not self.audit_opens:
            raise AuditSinkError("told to refuse")
        return AuditBroker([AuditDevice(name, keys[name], sink) for name, sink in self.sinks.items()])


def request(method, target, body=None, *, raw=None, headers=()) -> bytes:
    """Return the bytes of a request."""
    if raw is None:
        raw = b"" if body is None else json.dumps(body).encode()
    lines = [f"{method} {target} HTTP/1.1", "Host: store", *headers]
    if raw:
        lines.append(f"Content-Length: {len(raw)}")
    head = "\r\n".join(lines).encode("utf-8", "surrogateescape")
    return head + b"\r\n\r\n" + raw


_numbers = count()
