"""One secret into the store: created, found identical, or kept out of the way of another one that is there.

A secret is created first and looked at only if the store has one already, so that nobody who writes at the
same moment is overwritten. A store or a source that answers nobody is not asked ten thousand times: after a
sealed store, a refused token or a few answers that did not come, the rest is reported as not tried.
"""

from dataclasses import dataclass
from enum import StrEnum

from holdfast.cli.migrate.entry import NoSecretError
from holdfast.cli.migrate.plan import Step
from holdfast.cli.migrate.report import Outcome, Row
from holdfast.cli.program import EXIT_LOCAL_ERROR, EXIT_OK, EXIT_REMOTE_ERROR
from holdfast.client import DcosClient, DcosValue
from holdfast.client.errors import RemoteConflictError, RemoteError, RemoteNotFoundError
from holdfast.errors import HoldfastError, SealedError, TooLargeError, UnauthenticatedError, UnavailableError

DEFAULT_MAX_BYTES = 1024 * 1024
MAX_SILENCES = 5

ANOTHER_IS_THERE = "another secret is there"


class OnConflict(StrEnum):
    """What to do where the store has another secret at the path."""

    FAIL = "fail"
    SKIP = "skip"
    REPLACE = "replace"


class Patience:
    """Counts troubles that are not about single secrets.

    Attributes:
        lost: why there is no point in going on; empty while there is.
    """

    def __init__(self) -> None:
        self.lost = ""
        self._silences = 0

    def note(self, error: HoldfastError | None) -> None:
        """Take in how an attempt ended; ``None`` for well."""
        if isinstance(error, SealedError | UnauthenticatedError):
            self.lost = error.message
        elif isinstance(error, UnavailableError):
            self._silences += 1
            if self._silences >= MAX_SILENCES:
                self.lost = error.message
        else:
            self._silences = 0


@dataclass(frozen=True, slots=True)
class Carrier:
    """Carries secrets into a store; several threads may use one.

    Attributes:
        client: of the store.
        on_conflict: what to do where another secret is.
        dry_run: find out what would be done, and write nothing.
        max_bytes: the largest secret that the store takes.
        patience: when to stop.
    """

    client: DcosClient
    on_conflict: OnConflict
    dry_run: bool
    max_bytes: int
    patience: Patience

    def carry(self, step: Step) -> Row:
        """Do one step; whatever goes wrong becomes its reason."""
        if step.problem:
            return Row(step.path, Outcome.FAILED, step.problem, EXIT_LOCAL_ERROR)
        if self.patience.lost:
            return Row(
                step.path, Outcome.FAILED, f"not tried, because: {self.patience.lost}", EXIT_REMOTE_ERROR
            )
        trouble: HoldfastError | None = None
        try:
            row = self._place(step)
        except NoSecretError as error:
            row = Row(step.path, Outcome.SKIPPED, error.message)
        except HoldfastError as error:
            trouble = error
            code = EXIT_REMOTE_ERROR if isinstance(error, RemoteError) else EXIT_LOCAL_ERROR
            row = Row(step.path, Outcome.FAILED, error.message, code)
        self.patience.note(trouble)
        return row

    def _place(self, step: Step) -> Row:
        value = step.entry.read()
        if len(value.content) > self.max_bytes:
            raise TooLargeError(f"secret: expected at most {self.max_bytes} bytes")
        there = self._look(step.path) if self.dry_run else self._create(step.path, value)
        if there is None:
            return Row(step.path, Outcome.CREATED)
        if there == value:
            return Row(step.path, Outcome.IDENTICAL)
        return self._settle(step.path, value)

    def _look(self, path: str) -> DcosValue | None:
        try:
            return self.client.read(path)
        except RemoteNotFoundError:
            return None

    def _create(self, path: str, value: DcosValue) -> DcosValue | None:
        """Create the secret, or return the one that is there."""
        try:
            self.client.create(path, as_sent(value))
        except RemoteConflictError:
            return self.client.read(path)
        return None

    def _settle(self, path: str, value: DcosValue) -> Row:
        if self.on_conflict is OnConflict.REPLACE:
            if not self.dry_run:
                self.client.update(path, as_sent(value))
            return Row(path, Outcome.REPLACED)
        if self.on_conflict is OnConflict.SKIP:
            return Row(path, Outcome.SKIPPED, ANOTHER_IS_THERE, EXIT_OK)
        return Row(
            path, Outcome.FAILED, f"{ANOTHER_IS_THERE}; --on-conflict says what to do", EXIT_REMOTE_ERROR
        )


def as_sent(value: DcosValue) -> str | bytes:
    """Return a value in the form in which a client sends its kind."""
    return value.content.decode("utf-8") if value.is_text else value.content
