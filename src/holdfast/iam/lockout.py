"""How often a password may be tried: a delay that grows with every failure, and is forgotten on success.

Tries are counted three times:

    counted by        free tries   then a pause of         at most
    name and source   10           1 s, 2 s, 4 s, ...      15 minutes
    name              100          1 s, 2 s, 4 s, ...      1 minute
    source            100          1 s, 2 s, 4 s, ...      1 minute

So whoever guesses from one address locks out that address and not the user, and many addresses together
slow a user's logins to one a minute at worst: nobody is locked out for ever. Whoever tries many names from
one address slows that address, for all who share it, to one try a minute at worst. Of a source one try is
forgiven every minute, so that the mistakes of the many people behind one address do not add up. Names are
counted whether or not such a user exists, so that a pause tells nothing.

A try is counted before the password is looked at, and taken back when it was right; ten at the same time are
ten tries. Being right forgets what failed before at the same name from the same source; of the name and of
the source it takes back that one try, for who has one password right may be guessing another.

What is remembered is bounded, in a table for each kind, so that invented names push out no counter of a
source; what goes first when a table is full is in ``iam.try_counters``.
"""

from ipaddress import IPv6Address, ip_address
from math import ceil

from holdfast.iam.try_counters import TryCounters

FREE_TRIES_OF_SOURCE = 10  # at one name
FREE_TRIES_OF_NAME = 100
FREE_TRIES_OF_SOURCE_AT_ALL_NAMES = 100
LONGEST_PAUSE_OF_SOURCE_SECONDS = 900
LONGEST_PAUSE_OF_NAME_SECONDS = 60
LONGEST_PAUSE_OF_SOURCE_AT_ALL_NAMES_SECONDS = 60
MAX_COUNTERS = 20_000  # of each kind

_IPV6_NETWORK_BITS = 64  # one customer has at least that many addresses


class LoginGuard:
    """Counts tries, for one process that is asked before every password is checked."""

    __slots__ = ("_of_name", "_of_name_and_source", "_of_source")

    def __init__(self) -> None:
        self._of_name_and_source: TryCounters[tuple[str, str]] = TryCounters(
            free_tries=FREE_TRIES_OF_SOURCE,
            longest_pause_seconds=LONGEST_PAUSE_OF_SOURCE_SECONDS,
            max_counters=MAX_COUNTERS,
        )
        self._of_name: TryCounters[str] = TryCounters(
            free_tries=FREE_TRIES_OF_NAME,
            longest_pause_seconds=LONGEST_PAUSE_OF_NAME_SECONDS,
            max_counters=MAX_COUNTERS,
        )
        self._of_source: TryCounters[str] = TryCounters(
            free_tries=FREE_TRIES_OF_SOURCE_AT_ALL_NAMES,
            longest_pause_seconds=LONGEST_PAUSE_OF_SOURCE_AT_ALL_NAMES_SECONDS,
            max_counters=MAX_COUNTERS,
            forgiven_per_second=1 / LONGEST_PAUSE_OF_SOURCE_AT_ALL_NAMES_SECONDS,
        )

    def attempt(self, uid: str, source: str, now: float) -> int:
        """Count a try and return 0, or return how many seconds to wait, and count nothing.

        Args:
            uid: the user name that is tried; it need not exist.
            source: the address that it comes from, see ``source_of``.
            now: Unix seconds.
        """
        wait = max(
            self._of_name_and_source.wait((uid, source), now),
            self._of_name.wait(uid, now),
            self._of_source.wait(source, now),
        )
        if wait > 0:
            return ceil(wait)
        self._of_name_and_source.count((uid, source), now)
        self._of_name.count(uid, now)
        self._of_source.count(source, now)
        return 0

    def succeeded(self, uid: str, source: str) -> None:
        """Take a try back, and forget those before it at this name from the same source."""
        self._of_name_and_source.forget((uid, source))
        self._of_name.take_back(uid)
        self._of_source.take_back(source)

    def __len__(self) -> int:
        return len(self._of_name_and_source) + len(self._of_name) + len(self._of_source)


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
