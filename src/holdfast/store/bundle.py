"""Several reads in one request: each authorised, audited and answered as if it had been asked for alone.

A handler returns a ``Bundle``; the store reads all of it in one state and answers with ``Answers``, which
says for each read what came of it, in the order in which they were asked for.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from holdfast.errors import HoldfastError, InvalidInputError, NotFoundError
from holdfast.formats.strict_json import encode
from holdfast.store.destination import Destination
from holdfast.store.mounts import Mount
from holdfast.store.request import Answer, StoreRequest

MAX_READS = 256
MAX_BYTES = 4 * 1024 * 1024


class Answers(Answer, kw_only=True):
    """What came of a bundle. It stays in the process that read: nothing of it is for the keeper.

    Attributes:
        outcomes: the caller's name of each read, and what came of it.
    """

    outcomes: tuple[tuple[str, Answer | HoldfastError], ...] = ()


@dataclass(frozen=True, slots=True)
class Bundle:
    """What a request asks to read.

    Attributes:
        wanted: the caller's name of each read, and the request that it is; an error where it cannot be one.
    """

    wanted: tuple[tuple[str, StoreRequest | HoldfastError], ...]

    @property
    def reads(self) -> tuple[StoreRequest, ...]:
        """The requests among what is wanted."""
        return tuple(read for _, read in self.wanted if isinstance(read, StoreRequest))

    def answered(self, outcomes: Sequence[Answer | HoldfastError]) -> Answers:
        """Return the answer, ``outcomes`` being those of the reads."""
        coming = iter(outcomes)
        return Answers(
            data=encode({"reads": len(outcomes)}),  # what the audit trail shows; each read has its own lines
            outcomes=tuple(
                (name, next(coming) if isinstance(read, StoreRequest) else read) for name, read in self.wanted
            ),
        )


def require_kv(destination: Destination, path: str) -> tuple[Mount, str]:
    """Return the mount that a read of ``path`` goes to, and the rest of the path below it.

    Raises:
        NotFoundError: there is none.
        InvalidInputError: it keeps no secrets.
    """
    mounted = destination.mounted
    if mounted is None:
        raise NotFoundError(f'no handler for route "{path}". route entry not found.')
    if mounted.mount.type != "kv":
        raise InvalidInputError("path: expected one below a key-value mount")
    return mounted.mount, mounted.path
