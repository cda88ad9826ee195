"""Service ``ClusterPair``: two clusters that know each other.

One cluster shows a token, and an administrator of another hands it to his own cluster, which calls the first
with it. What the two then exchange is who they are and where. No token of either stays anywhere, so being
paired opens nothing: what clusters may do with each other later will need an authority of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from holdfast.client import SdkClient
from holdfast.client.errors import RemoteUnauthenticatedError
from holdfast.client.tls import TlsSettings
from holdfast.clock import Clock
from holdfast.errors import ConflictError, HoldfastError, InvalidInputError, NotFoundError, UnavailableError
from holdfast.node import apis
from holdfast.node.access.gate import Gate
from holdfast.node.api import Admission, operation
from holdfast.node.cluster.node_cluster import NodeCluster
from holdfast.node.cluster.open_gate import EVERYBODY
from holdfast.node.errors import AdministratorOnlyError
from holdfast.node.pairing.pair_records import PairMode, PairRecord, decode_pair, encode
from holdfast.node.pairing.pair_tokens import PAIRING, PairTokens
from holdfast.policy.ownership import is_storage_administrator
from holdfast.storage.interface import Reader, Storage, Transaction
from holdfast.storage.reading import read_one_state

DEFAULT_PAIR = "pair-default"
MAX_ENDPOINTS = 64
MAX_TEXT_CHARACTERS = 512
_MAX_PORT = 65_535
_CALL_SECONDS = 30.0
_PAGE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class PairRequest:
    """Which cluster to pair with.

    Attributes:
        host: name or address of one of its nodes; with ``http://`` or ``https://`` before it, or without.
        port: of that node's REST side.
        token: what that cluster showed.
        set_default: mean this pair when none is named.
        mode: what the pair is for.
    """

    host: str
    port: int
    token: str
    set_default: bool = False
    mode: PairMode = PairMode.DEFAULT

    @property
    def address(self) -> str:
        """The node's address.

        Raises:
            InvalidInputError: there can be no such address.
        """
        host = self.host if "://" in self.host else f"https://{_bracketed(self.host)}"
        parts = urlsplit(host)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path or parts.query:
            raise InvalidInputError("remote_cluster_ip: expected a host name or an IP address")
        if not 0 < self.port <= _MAX_PORT:
            raise InvalidInputError(f"remote_cluster_port: expected a number from 1 to {_MAX_PORT}")
        return f"{parts.scheme}://{_bracketed(parts.hostname)}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Introduction:
    """What a cluster tells another of itself.

    Attributes:
        cluster_id: its name.
        endpoints: addresses of its nodes.
    """

    cluster_id: str
    endpoints: Sequence[str]

    def check(self) -> "Introduction":
        """Return it, or raise ``InvalidInputError`` for what no cluster would say."""
        if not 0 < len(self.cluster_id) <= MAX_TEXT_CHARACTERS or not self.cluster_id.isprintable():
            raise InvalidInputError("cluster_id: expected the name of a cluster")
        if "/" in self.cluster_id or len(self.endpoints) > MAX_ENDPOINTS:
            raise InvalidInputError("cluster_id: expected no slash, and few endpoints")
        for endpoint in self.endpoints:
            if len(endpoint) > MAX_TEXT_CHARACTERS or not endpoint.startswith(("http://", "https://")):
                raise InvalidInputError("endpoints: expected addresses that begin with https://")
        return self


class PairService:
    """Pairs and the tokens for them."""

    def __init__(
        self,
        *,
        gate: Gate,
        storage: Storage,
        tokens: PairTokens,
        cluster: NodeCluster,
        cluster_id: str,
        ca_file: str,
        clock: Clock,
    ) -> None:
        self._gate = gate
        self._storage = storage
        self._tokens = tokens
        self._cluster = cluster
        self._cluster_id = cluster_id
        self._ca_file = ca_file
        self._clock = clock

    @operation(apis.CLUSTER_PAIR_GET_TOKEN)
    def show_token(self, admission: Admission) -> str:
        """Make a token for another cluster; earlier ones stay good."""
        self._require_administrator(admission)
        token = self._tokens.issue(admission.principal.name, reset=False)
        self._gate.done(admission, self._cluster_id, "pairing token shown")
        return token

    @operation(apis.CLUSTER_PAIR_RESET_TOKEN)
    def reset_token(self, admission: Admission) -> str:
        """Make a token for another cluster; every earlier one ends at once, on every node."""
        self._require_administrator(admission)
        token = self._tokens.issue(admission.principal.name, reset=True)
        self._gate.done(admission, self._cluster_id, "pairing tokens reset")
        return token

    @operation(apis.CLUSTER_PAIR_CREATE)
    def create(self, admission: Admission, request: PairRequest) -> PairRecord:
        """Pair with another cluster: call it with its token, and remember what it says of itself.

        Raises:
            InvalidInputError: the address cannot be, or the other cluster refuses the token.
            ConflictError: it is this very cluster.
            RemoteError: it cannot be reached, or its certificate is not to be trusted.
        """
        self._require_administrator(admission)
        address = request.address
        theirs = self._introduce(address, request.token)
        if theirs.cluster_id == self._cluster_id:
            raise ConflictError("remote_cluster_ip: expected a node of another cluster, with another id")
        record = PairRecord(
            id=theirs.cluster_id,
            endpoint=address,
            endpoints=tuple(theirs.endpoints),
            mode=request.mode,
            secure=address.startswith("https://"),
            made_at=self._clock.now(),
        )

        def change(transaction: Transaction) -> None:
            transaction.put(f"pairs/{record.id}", encode(record))
            if request.set_default or transaction.get(DEFAULT_PAIR) is None:
                transaction.put(DEFAULT_PAIR, record.id.encode())

        self._storage.write(change)
        self._gate.done(admission, record.id, f"paired with the cluster at {address}")
        return record

    @operation(apis.CLUSTER_PAIR_ACCEPT)
    def accept(self, admission: Admission, token: str, theirs: Introduction) -> Introduction:
        """Take up a cluster that calls with a token of ours, and tell it who we are.

        One that is known already stays as it is known: by a token, nobody takes the place of another cluster.

        Raises:
            UnauthenticatedError: the token is used up, expired, was reset, or never was one.
            AdministratorOnlyError: the caller is somebody else than a cluster that wants to pair.
        """
        if admission.principal is not EVERYBODY and admission.principal.issuer != PAIRING:
            raise AdministratorOnlyError("Only a pairing token opens this", detail="another kind of token")
        theirs.check()
        if theirs.cluster_id == self._cluster_id:
            raise ConflictError("cluster_id: expected another cluster, with another id")
        record = PairRecord(
            id=theirs.cluster_id,
            endpoint=theirs.endpoints[0] if theirs.endpoints else "",
            endpoints=tuple(theirs.endpoints),
            mode=PairMode.DEFAULT,
            secure=False,
            made_at=self._clock.now(),
        )

        def change(transaction: Transaction) -> bool:
            self._tokens.consume(transaction, token)
            is_new = transaction.get(f"pairs/{record.id}") is None
            if is_new:
                transaction.put(f"pairs/{record.id}", encode(record))
            return is_new

        is_new = self._storage.write(change)
        outcome = "paired, at the other cluster's request" if is_new else "introduced itself; it was known"
        self._gate.done(admission, record.id, outcome)
        return self._introduction()

    @operation(apis.CLUSTER_PAIR_INSPECT)
    def inspect(self, admission: Admission, cluster_id: str) -> PairRecord:  # noqa: ARG002 - see the role
        """Return one pair.

        Raises:
            NotFoundError: there is none of that id.
        """
        _check_id(cluster_id)
        stored = self._storage.get(f"pairs/{cluster_id}")
        if stored is None:
            raise NotFoundError("there is no pair with a cluster of that id")
        return decode_pair(stored)

    @operation(apis.CLUSTER_PAIR_ENUMERATE)
    def enumerate(self, admission: Admission) -> tuple[list[PairRecord], str]:  # noqa: ARG002 - see the role
        """Return all pairs, and the id of the default one."""

        def read(reader: Reader) -> tuple[list[PairRecord], str]:
            found, after = [], ""
            while names := reader.list("pairs/", after=after, limit=_PAGE):
                stored = (reader.get(f"pairs/{name}") for name in names)
                found += [decode_pair(record) for record in stored if record is not None]
                after = names[-1]
            return found, (reader.get(DEFAULT_PAIR) or b"").decode()

        return read_one_state(self._storage, read)

    @operation(apis.CLUSTER_PAIR_DELETE)
    def delete(self, admission: Admission, cluster_id: str) -> None:
        """Forget a cluster here; it still knows this one. One that is not known is no error."""
        self._require_administrator(admission)
        _check_id(cluster_id)

        def change(transaction: Transaction) -> None:
            transaction.delete(f"pairs/{cluster_id}")
            if transaction.get(DEFAULT_PAIR) == cluster_id.encode():
                transaction.delete(DEFAULT_PAIR)

        self._storage.write(change)
        self._gate.done(admission, cluster_id, "pair forgotten")

    def _introduce(self, address: str, token: str) -> Introduction:
        ours = self._introduction()
        client = SdkClient(
            address,
            token,
            tls=TlsSettings(ca_cert=self._ca_file),
            timeout_seconds=_CALL_SECONDS,
        )
        body = {"token": token, "cluster_id": ours.cluster_id, "endpoints": list(ours.endpoints)}
        try:
            answer = client.request("POST", "clusterpairs/accept", body)
        except RemoteUnauthenticatedError:
            raise InvalidInputError(
                "remote_cluster_token: the other cluster refuses it; have it show a new one"
            ) from None
        except UnavailableError as error:
            raise UnavailableError(f"the other cluster: {error.message}") from None  # and not this node
        finally:
            client.close()
        endpoints = answer.get("endpoints", [])
        try:
            return Introduction(
                cluster_id=str(answer.get("cluster_id", "")), endpoints=[str(each) for each in endpoints]
            ).check()
        except (HoldfastError, TypeError):
            raise ConflictError("remote_cluster_ip: what answers there is no cluster of ours") from None

    def _introduction(self) -> Introduction:
        addresses = [member.record.address for member in self._cluster.membership.members()]
        endpoints = [address for address in addresses if address]
        return Introduction(cluster_id=self._cluster_id, endpoints=endpoints[:MAX_ENDPOINTS])

    def _require_administrator(self, admission: Admission) -> None:
        if admission.principal is not EVERYBODY and not is_storage_administrator(admission.principal):
            raise AdministratorOnlyError("Only a storage administrator may pair clusters")


def _check_id(cluster_id: str) -> None:
    if not 0 < len(cluster_id) <= MAX_TEXT_CHARACTERS or "/" in cluster_id:
        raise InvalidInputError("id: expected the id of a cluster")


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host and not host.startswith("[") else host
