"""How often a password may be tried: a delay that grows with every failure, and is forgotten on success.

Tries are counted twice, by user name and source address, and by user name alone:

    counted by        free tries   then a pause of         at most
    name and source   10           1 s, 2 s, 4 s, ...      15 minutes
    name              100          1 s, 2 s, 4 s, ...      1 minute

So whoever guesses from one address locks out that address and not the user, and many addresses together
slow a user's logins to one a minute at worst: nobody is locked out for ever. Names are counted whether or not
such a user exists, so that a pause tells nothing.

A try is counted before the password is looked at, and taken back when it was right; ten at the same time are
ten tries. What is remembered is bounded; the counters unused for longest go first.
"""

from collections import OrderedDict
from ipaddress import IPv6Address, ip_address
from math import ceil

FREE_TRIES_OF_SOURCE = 10
FREE_TRIES_OF_NAME = 100
LONGEST_PAUSE_OF_SOURCE_SECONDS = 900
LONGEST_PAUSE_OF_NAME_SECONDS = 60
FORGOTTEN_AFTER_SECONDS = 86_400
MAX_COUNTERS = 20_000

_ANY_SOURCE = ""
_IPV6_NETWORK_BITS = 64  # one customer has at least that many addresses


class _Counter:
    __slots__ = ("last", "tries")

    def __init__(self) -> None:
        self.tries = 0
        self.last = 0.0


class LoginGuard:
    """Counts tries, for one process that is asked before every password is checked."""

    __slots__ = ("_counters",)

    def __init__(self) -> None:
        self._counters: OrderedDict[tuple[str, str], _Counter] = OrderedDict()

    def attempt(self, uid: str, source: str, now: float) -> int:
        """Count a try and return 0, or return how many seconds to wait, and count nothing.

        Args:
            uid: the user name that is tried; it need not exist.
            source: the address that it comes from, see ``source_of``.
            now: Unix seconds.
        """
        keys = ((uid, source), (uid, _ANY_SOURCE))
        wait = max(self._wait(key, now) for key in keys)
        if wait > 0:
            return ceil(wait)
        for key in keys:
            self._count(key, now)
        return 0

    def succeeded(self, uid: str, source: str) -> None:
        """Take a try back, and forget those before it from the same source."""
        self._counters.pop((uid, source), None)
        of_name = self._counters.get((uid, _ANY_SOURCE))
        if of_name is not None:
            of_name.tries -= 1

    def __len__(self) -> int:
        return len(self._counters)

    def _wait(self, key: tuple[str, str], now: float) -> float:
        counter = self._counters.get(key)
        if counter is None:
            return 0.0
        if now - counter.last > FORGOTTEN_AFTER_SECONDS:
            del self._counters[key]
            return 0.0
        return counter.last + _pause(key[1], counter.tries) - now

    def _count(self, key: tuple[str, str], now: float) -> None:
        counter = self._counters.setdefault(key, _Counter())
        counter.tries += 1
        counter.last = now
        self._counters.move_to_end(key)
        if len(self._counters) > MAX_COUNTERS:
            self._counters.popitem(last=False)


def source_of(peer: str) -> str:
    """Return what stands for the place that ``peer`` (``address:port``) connects from."""
    host = peer.rpartition(":")[0].strip("[]").partition("%")[0]
    try:
        address = ip_address(host)
    except ValueError:
        return peer or "unix"
    if not isinstance(address, IPv6Address):
        return host
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    shift = address.max_prefixlen - _IPV6_NETWORK_BITS
    return f"{IPv6Address(int(address) >> shift << shift)}/{_IPV6_NETWORK_BITS}"


def _pause(source: str, tries: int) -> float:
    """Return how long to wait after that many tries."""
    free, longest = (
        (FREE_TRIES_OF_SOURCE, LONGEST_PAUSE_OF_SOURCE_SECONDS)
        if source
        else (FREE_TRIES_OF_NAME, LONGEST_PAUSE_OF_NAME_SECONDS)
    )
    beyond = tries - free
    if beyond < 0:
        return 0.0
    return float(min(longest, 2 ** min(beyond, longest.bit_length())))
