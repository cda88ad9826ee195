"""Which versions of the program have looked after the store, and since when: ``sys/version-history``."""

import msgspec

from holdfast.clock import rfc3339
from holdfast.formats.strict_json import encode
from holdfast.storage.interface import Reader, Transaction
from holdfast.store.layout import CONFIG
from holdfast.store.request import Answer, Operation
from holdfast.store.route import Route
from holdfast.store.visit import Visit
from holdfast.version import BUILD_DATE, VERSION

VERSIONS_KEY = "versions"
MAX_REMEMBERED = 200


class Installed(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A version. Fields are only ever appended: their order is the record format.

    Attributes:
        version: of the program.
        at: Unix seconds at which it began.
        build_date: when it was built.
    """

    version: str
    at: float
    build_date: str = ""


_decode = msgspec.msgpack.Decoder(tuple[Installed, ...]).decode


def load_versions(view: Reader) -> tuple[Installed, ...]:
    """Return them in order, from the place of settings."""
    record = view.get(VERSIONS_KEY)
    return () if record is None else _decode(record)


def is_version_new(view: Reader) -> bool:
    """Whether another version, or none, was the last one to look after the store."""
    versions = load_versions(view)
    return not versions or versions[-1].version != VERSION


def note_version(tx: Transaction, *, now: float) -> None:
    """Note that this version looks after the store, unless it is the last one that did."""
    if is_version_new(tx):
        versions = (*load_versions(tx), Installed(VERSION, now, BUILD_DATE))[-MAX_REMEMBERED:]
        tx.put(VERSIONS_KEY, msgspec.msgpack.encode(versions))


def _list(visit: Visit) -> Answer:
    versions = load_versions(visit.view(CONFIG))
    previous = (None, *(installed.version for installed in versions))
    info = {
        installed.version: {
            "timestamp_installed": rfc3339(installed.at),
            "build_date": installed.build_date,
            "previous_version": before,
        }
        for installed, before in zip(versions, previous, strict=False)
    }
    return Answer(data=encode({"keys": list(info), "key_info": info})) if info else Answer(missing=True)


VERSION_ROUTES = (
    Route("sys/version-history", Operation.LIST, _list),
    Route("sys/version-history", Operation.READ, _list),
)
