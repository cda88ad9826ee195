"""Rate-limit quotas at rest: one record (``config/quotas``), as every process keeps all of them in memory."""

import msgspec

from holdfast.storage.interface import Reader, Transaction

QUOTAS_KEY = "quotas"
MAX_QUOTAS = 1000


class RateLimit(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One quota. Fields are only ever appended: their order is the record format.

    Attributes:
        name: how operators call it.
        path: what it is for: empty for everything, ``secret/`` for all below, ``secret/data/a*`` for all that
            begins so, or exactly this path.
        rate: how many requests of one address an interval allows.
        interval_seconds: the interval.
        block_seconds: how long an address is refused everything after its first refusal; 0 for not at all.
        inheritable: kept for clients that compare what they wrote.
    """

    name: str
    path: str
    rate: float
    interval_seconds: int = 1
    block_seconds: int = 0
    inheritable: bool = False


class Settings(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What holds for all quotas. Fields are only ever appended.

    Attributes:
        exempt: paths that no quota is for; a final ``*`` stands for whatever follows.
        audit: whether refusals are put on record. A flood of requests is then a flood of audit lines.
    """

    exempt: tuple[str, ...] = ()
    audit: bool = False


class Quotas(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """All of them. Fields are only ever appended."""

    limits: tuple[RateLimit, ...] = ()
    settings: Settings = Settings()

    def named(self, name: str) -> RateLimit | None:
        """Return the quota with this name, or ``None``."""
        return next((limit for limit in self.limits if limit.name == name), None)


_decode = msgspec.msgpack.Decoder(Quotas).decode


def load_quotas(view: Reader) -> Quotas:
    """Return all quotas, from the place of settings."""
    record = view.get(QUOTAS_KEY)
    return Quotas() if record is None else _decode(record)


def save_quotas(tx: Transaction, quotas: Quotas) -> None:
    """Store all quotas."""
    tx.put(QUOTAS_KEY, msgspec.msgpack.encode(quotas))
