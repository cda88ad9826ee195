"""Who has sent too much is turned away before anything else about his request is looked at.

Each process counts what comes to it, so a node with several workers lets through up to that many times the
rate of an address that spreads its connections. For each quota every address has a bucket of its own: it
holds as many requests as an interval allows, and fills up again evenly. Of several quotas the most specific
counts.
"""

from collections import OrderedDict
from ipaddress import IPv6Address, ip_address
from math import ceil

from holdfast.store.quotas.errors import QuotaExceededError
from holdfast.store.quotas.records import Quotas, RateLimit

MAX_BUCKETS = 50_000
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


class _Bucket:
    __slots__ = ("blocked_until", "filled_at", "left")

    def __init__(self, left: float, now: float) -> None:
        self.left = left
        self.filled_at = now
        self.blocked_until = 0.0


class Gate:
    """Counts the requests that come to one process."""

    def __init__(self) -> None:
        self._buckets: OrderedDict[tuple[RateLimit, str], _Bucket] = OrderedDict()

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
        bucket = self._bucket(limit, _source(peer), size, now)
        if now < bucket.blocked_until:
            raise QuotaExceededError(int(size), ceil(bucket.blocked_until - now))
        per_second = limit.rate / limit.interval_seconds
        passed = max(0.0, now - bucket.filled_at)  # a clock that is put back fills nothing
        bucket.left = min(size, bucket.left + passed * per_second)
        bucket.filled_at = now
        if bucket.left >= 1:
            bucket.left -= 1
            return
        wait = (1 - bucket.left) / per_second
        if limit.block_seconds:
            wait = limit.block_seconds
            bucket.blocked_until = now + wait
        raise QuotaExceededError(int(size), max(1, ceil(wait)))

    def _bucket(self, limit: RateLimit, source: str, size: float, now: float) -> _Bucket:
        key = (limit, source)  # a quota that was changed counts anew
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = _Bucket(size, now)
            if len(self._buckets) > MAX_BUCKETS:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(key)
        return bucket


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
