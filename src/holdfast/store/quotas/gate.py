"""Who has sent too much is turned away before anything else about his request is looked at.

All processes of a node count together. For each quota every address has a bucket of its own: it holds as many
requests as an interval allows, and fills up again evenly. Of several quotas the most specific counts.
"""

from ipaddress import IPv6Address, ip_address
from math import ceil

from holdfast.store.quotas.buckets import Buckets
from holdfast.store.quotas.errors import QuotaExceededError
from holdfast.store.quotas.records import Quotas, RateLimit
from holdfast.store.request import StoreRequest

_ROUNDING = 1e-3  # seconds, so that a wait of a whole second is told as that
_V6_NETWORK_BITS = 64  # what one customer has at least; he can be at any address in it


class QuotaTable:
    """Finds the quota that is for a path.

    Args:
        quotas: all of them.

    Attributes:
        audits: whether refusals are put on record.
        has_any: whether there is a quota at all.
    """

    __slots__ = ("_exact", "_exempt", "_exempt_prefixes", "_prefixes", "audits", "has_any")

    def __init__(self, quotas: Quotas) -> None:
        self.audits = quotas.settings.audit
        self.has_any = bool(quotas.limits)
        exempt = quotas.settings.exempt
        self._exempt = frozenset(exempt)
        self._exempt_prefixes = tuple(path[:-1] for path in exempt if path.endswith("*"))
        self._exact = {limit.path: limit for limit in quotas.limits if not _is_prefix(limit.path)}
        self._prefixes = sorted(
            ((limit.path.removesuffix("*"), limit) for limit in quotas.limits if _is_prefix(limit.path)),
            key=lambda pair: len(pair[0]),
            reverse=True,
        )

    def find(self, path: str) -> RateLimit | None:
        """Return the quota that is for a request path, or ``None``."""
        if path in self._exempt or (self._exempt_prefixes and path.startswith(self._exempt_prefixes)):
            return None
        exact = self._exact.get(path)
        if exact is not None:
            return exact
        return next((limit for prefix, limit in self._prefixes if path.startswith(prefix)), None)


def _is_prefix(path: str) -> bool:
    return not path or path.endswith(("/", "*"))


class Gate:
    """Counts the requests that come to a node, or to one process.

    Args:
        buckets: where; shared with other processes, or this one's own.
    """

    def __init__(self, buckets: Buckets | None = None) -> None:
        self._buckets = buckets or Buckets()

    def check(self, table: QuotaTable, path: str, peer: str, now: float) -> None:
        """Count a request.

        Args:
            table: the quotas.
            path: what is asked for.
            peer: ``address:port`` of who asks; all who come by a Unix socket count as one.
            now: Unix seconds.

        Raises:
            QuotaExceededError: it is one too many.
        """
        limit = table.find(path) if table.has_any else None
        if limit is None:
            return
        size = max(1.0, limit.rate)
        wait = self._buckets.take(
            # A quota that was changed counts anew. Texts hash under a secret that forked processes share.
            hash((limit, _source(peer))),
            now=now,
            spacing=limit.interval_seconds / limit.rate,
            size=size,
            block_seconds=limit.block_seconds,
        )
        if wait:
            raise QuotaExceededError(int(size), max(1, ceil(wait - _ROUNDING)))

    def check_where_it_leads(self, table: QuotaTable, asked: str, request: StoreRequest, now: float) -> None:
        """Count a request that is for another path than it was sent to, where another quota is for that.

        Args:
            table: the quotas.
            asked: what was asked for.
            request: as it is by now.
            now: Unix seconds.

        Raises:
            QuotaExceededError: it is one too many.
        """
        path = request.namespace + request.path
        if table.has_any and path != asked and table.find(path) is not table.find(asked):
            self.check(table, path, request.peer, now)


def _source(peer: str) -> str:
    """Return what counts as one source: an IPv4 address, or the network of an IPv6 address."""
    host = peer.rpartition(":")[0].strip("[]")
    if ":" not in host:
        return host
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(int(address) >> (128 - _V6_NETWORK_BITS))
    return host
