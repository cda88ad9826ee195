"""The storage engine on ZooKeeper: ``interface.Storage`` for several nodes that all read and write.

Below the root:

    /head              the current revision; every commit moves it
    /changes/<n>       what commit n touched
    /data/...          the records, see ``paths``
    /parts, /pending   large values, see ``parts``

**Writes.** A change runs on what this process remembers, and is committed on the condition that nobody has
committed since. If somebody has, and touched nothing that the change read, it is committed on top of that;
otherwise it runs again. So transactions are strictly serialisable, listings included. A commit whose answer
is lost is sent again under the same condition: it can succeed once only, and the entry in the log tells
whose the commit was.

**Reads** answer from memory, and ask ZooKeeper for what is not there. ``catch_up`` brings memory up to date
by a transaction that changes nothing. It goes through the quorum: ``sync`` would not, and a leader that was
stopped, and deposed meanwhile, would answer it for a moment from its old state (decision 0010).
"""

import logging
import random
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from secrets import token_bytes
from typing import Any, Generic, NamedTuple, TypeAlias

import msgspec
from kazoo.client import KazooClient
from kazoo.exceptions import BadVersionError, NodeExistsError, NoNodeError, RolledBackError

from holdfast.clock import Clock
from holdfast.storage.commit_log.entries import (
    COMMIT_ID_BYTES,
    KEPT_ENTRIES,
    Entry,
    Footprint,
    decode_entry,
)
from holdfast.storage.commit_log.follower import Follower
from holdfast.storage.commit_log.memory import Unknown
from holdfast.storage.commit_log.view import Overlay, View, check_prefix
from holdfast.storage.errors import (
    InvalidKeyError,
    OutcomeUnknownError,
    OvertakenError,
    StorageBrokenError,
    StorageUnavailableError,
)
from holdfast.storage.interface import Outcomes, T, Transaction
from holdfast.storage.zookeeper.commit import MAX_PACKET_BYTES, Commit, Operation, as_request, packet_bytes
from holdfast.storage.zookeeper.parts import (
    INLINE_BYTES,
    Manifest,
    Pending,
    Stored,
    cut,
    decode_pending,
    decode_stored,
    encode_pending,
)
from holdfast.storage.zookeeper.paths import directory_path, entry_name, name_of, parent_of, value_path
from holdfast.storage.zookeeper.session import LostError, Send, Session
from holdfast.storage.zookeeper.settings import Settings

MAX_READER_PATIENCE_SECONDS = 4.0
"""How long a process that only reads stands still for an ensemble that is away; others wait for it."""

MAX_ATTEMPTS = 100
MAX_MISSES = 10
MAX_BATCH_BYTES = 600_000
SWEEP_AFTER_SECONDS = 24 * 3600

_FAILED_COMMIT_PAUSE_SECONDS = 0.004

Names: TypeAlias = list[str]
Answers: TypeAlias = list[Any]
Operations: TypeAlias = list[Operation]

log = logging.getLogger(__name__)
_chance = random.SystemRandom()  # not the program's own numbers, which others may count on


class ZookeeperStorage(Follower[Stored]):
    """See the module and ``interface.Storage``; safe for threads, not for forks.

    Args:
        settings: which ensemble, and as whom.
        readonly: never write; the tree must have been laid out by a process that does.
        clock: tells when leases run out.

    Raises:
        StorageUnavailableError: the ensemble is away, or refuses us.
        StorageBrokenError: something else lies where our records should.
    """

    def __init__(self, settings: Settings, *, readonly: bool = False, clock: Clock | None = None) -> None:
        super().__init__("zookeeper", clock)
        self._root = settings.path
        self._data = self._root + "/data"
        self._head = self._root + "/head"
        patience = settings.patience_seconds
        self._session = Session(
            settings, patience_seconds=min(patience, MAX_READER_PATIENCE_SECONDS) if readonly else patience
        )
        self._writing = threading.RLock()  # taken before the lock of what is remembered
        self._revision = -1
        self._head_version = -1
        try:
            if not readonly:
                self._lay_out()
            self.catch_up()
            if not readonly:
                self._sweep()
        except BaseException:
            self._session.close()
            raise

    # -- reading -------------------------------------------------------------------------------------------

    def catch_up(self) -> None:
        """Ask the quorum how far the tree is, and forget what was changed since."""
        with self._lock:
            barrier, head = self._ask(
                lambda client: (_barrier(client, self._head), client.get_async(self._head))
            )
            if isinstance(barrier, Exception) or isinstance(barrier[0], Exception):
                raise StorageUnavailableError("storage: ZooKeeper holds no store at the configured path")
            revision, version = self._parse_head(head)
            if revision < self._revision:
                raise StorageBrokenError(
                    "storage: ZooKeeper went back to an earlier state, as after a restored backup"
                )
            self._follow(revision, version)

    def revision(self) -> int:
        """Return the number of commits so far."""
        self.catch_up()
        return self._revision

    def value(self, key: str) -> bytes | None:
        """Return the value at ``key`` as of the newest revision that is known, which may move on by this."""
        missed: list[Manifest] = []
        for _ in range(MAX_ATTEMPTS):
            stored = self.stored(key)
            if not isinstance(stored, Manifest):
                return stored
            paths = [f"{self._root}/parts/{name}" for name in stored.names()]
            parts = self._ask(partial(_get_all, paths=paths))
            whole = b"".join(part[0] for part in parts if not isinstance(part, Exception))
            if len(whole) == stored.size:
                return whole
            # Somebody has replaced the value since, and removed its parts; or the server that we came to lags
            # behind. Neither goes on for long with one and the same value.
            missed.append(stored)
            if missed.count(stored) >= MAX_MISSES:
                raise StorageBrokenError("storage: parts of a value are missing", detail=key)
            self.catch_up()
        raise OvertakenError

    def stored(self, key: str) -> Stored:
        """Return what is stored at ``key`` as of the current revision, which may move on by this."""
        with self._lock:
            known = self._memory.value(key)
            if not isinstance(known, Unknown):
                return known
            try:
                path = value_path(self._data, key)
            except InvalidKeyError:
                return None
            if self._memory.children(parent_of(key)) is None:
                return None
            answer = self._current(lambda client: client.get_async(path), Footprint((key,)))
            stored = None if answer is None else _decoded(answer[0], key)
            self._memory.keep_value(key, stored)
            return stored

    def names(self, prefix: str) -> Names:
        """Return the sorted names below ``prefix`` as of the current revision, which may move on by this."""
        with self._lock:
            known = self._memory.names(prefix)
            if known is None:
                check_prefix(prefix)
                path = directory_path(self._data, prefix)
                found = self._current(
                    lambda client: client.get_children_async(path), Footprint((), (prefix,))
                )
                known = sorted(map(name_of, found or ()))
                self._memory.keep_names(prefix, known)
            return known

    def children(self, prefix: str) -> int | None:
        """Return how many children a directory has as of the current revision, ``None`` for no directory."""
        with self._lock:
            known = self._memory.children(prefix)
            if isinstance(known, Unknown):
                path = directory_path(self._data, prefix)
                stat = self._current(lambda client: client.exists_async(path), Footprint((), (prefix,)))
                known = None if stat is None else int(stat.numChildren)
                self._memory.keep_children(prefix, known)
            return known

    def _current(self, send: Callable[[KazooClient], Any], asked: Footprint) -> Any:
        """Return the answer to one read as of the current revision; ``None`` if there is no such znode.

        The head is read before and after it, on the same connection. The first tells that the server knows
        at least what we know: it may be another one than before, which lags behind. If the second has moved,
        memory follows; the answer still stands unless a commit in between touched what was asked for.
        """
        for _ in range(MAX_ATTEMPTS):
            before, answer, head = self._ask(
                lambda client: (client.get_async(self._head), send(client), client.get_async(self._head))
            )
            if self._parse_head(before)[0] < self._revision:
                self.catch_up()
                continue
            changed = self._follow(*self._parse_head(head))
            if changed is None or changed.meets(asked):
                continue
            if isinstance(answer, NoNodeError):
                return None
            return _checked(answer)
        raise OvertakenError

    def _follow(self, revision: int, version: int) -> Footprint | None:
        """Forget what the commits up to ``revision`` have changed.

        Returns:
            What that was; ``None`` if so much was changed that everything is forgotten.
        """
        numbers = range(self._revision + 1, revision + 1)
        changed = Footprint()
        entries: Answers = [None]
        if self._revision >= 0 and len(numbers) <= KEPT_ENTRIES:
            entries = self._ask(
                lambda client: [
                    client.get_async(f"{self._root}/changes/{entry_name(number)}") for number in numbers
                ]
            )
        if not all(isinstance(entry, tuple) for entry in entries):
            self._forget_everything()
            self._revision, self._head_version = revision, version
            return None
        for data, _ in entries:
            changed.add(Footprint.of(_entry(data)))
        self._forget(changed)
        if numbers:
            self._revision, self._head_version = revision, version
        return changed

    # -- writing -------------------------------------------------------------------------------------------

    def write_all(self, changes: Sequence[Callable[[Transaction], T]]) -> Outcomes[T]:
        """Run changes, and commit as many at once as one packet holds."""
        outcomes: Outcomes[T] = []
        with self._writing:
            while len(outcomes) < len(changes):
                try:
                    outcomes += self._commit_some(changes[len(outcomes) :])
                except StorageBrokenError:
                    raise  # whoever serves others must end, even if that leaves some without an answer
                except StorageUnavailableError as error:
                    if not outcomes:
                        raise
                    outcomes += [error] * (len(changes) - len(outcomes))
        return outcomes

    def close(self) -> None:
        """Hang up."""
        self._closed = True
        self._session.close()  # whoever holds the lock may be waiting for an answer
        with self._lock:
            self._memory.clear()

    def _commit_some(self, changes: Sequence[Callable[[Transaction], T]]) -> Outcomes[T]:
        """Commit the first of the changes, and of those after it as many as fit beside it."""
        for attempt in range(MAX_ATTEMPTS):
            _pause(attempt)
            with self._view() as view:
                batch: _Batch[T] = _Batch(view)
                try:
                    batch.run(changes)
                    if self._make_true(batch):
                        return batch.outcomes
                except OvertakenError:
                    self.catch_up()
        raise StorageUnavailableError("storage: other nodes write without a pause; nothing was changed")

    def _make_true(self, batch: "_Batch[T]") -> bool:
        """Commit a batch; ``False`` if what it has read is different by now, and nothing was changed."""
        if not batch.changes:
            # Nothing to commit, but an answer, or a refusal, that has to be true of the newest state.
            self.catch_up()
            return not batch.view.is_overtaken()
        uploads = self._upload(batch.changes)
        committed = False
        try:
            for attempt in range(MAX_ATTEMPTS):
                _pause(attempt)
                plan = self._plan({**batch.changes, **uploads}, batch.view)
                if plan is None:
                    break
                committed = self._try_commit(plan, batch.commit_id)
                if committed:
                    break
                self.catch_up()
        except OutcomeUnknownError:
            committed = True  # perhaps; what was uploaded must stay, and is swept up if it was not
            raise
        finally:
            if not committed:
                self._withdraw(uploads)
        return committed

    def _try_commit(self, plan: "_Plan", commit_id: bytes) -> bool:
        """Commit; ``False`` if somebody else has committed before, and nothing was changed."""
        operations = plan.commit.with_head(plan.revision, commit_id)
        if packet_bytes(operations) > MAX_PACKET_BYTES:
            raise StorageUnavailableError("storage: a change is larger than a ZooKeeper transaction can be")
        answers, lost = self._send_commit(plan.head_version, operations)
        if not any(isinstance(answer, Exception) for answer in answers):
            self._made(plan, answers[1].version)
            return True
        if lost and self._is_ours(plan.revision, commit_id):
            # It is made, whatever comes now; what is remembered stays what was true before it.
            with suppress(StorageUnavailableError):
                self.catch_up()
            return True
        if not isinstance(answers[0], BadVersionError):
            raise StorageBrokenError(
                "storage: the znodes are not as Holdfast left them",
                detail=", ".join(sorted({type(answer).__name__ for answer in answers})),
            )
        return False

    def _send_commit(self, version: int, operations: Operations) -> tuple[Answers, bool]:
        """Send a commit until it is answered; return the answers, and whether one was lost on the way."""
        self._refuse_if_closed()
        lost = False
        deadline = time.monotonic() + self._session.patience_seconds
        while True:
            try:
                [answers] = self._session.ask(
                    lambda client: [as_request(client, self._head, version, operations).commit_async()]
                )
                return _checked(answers), lost
            except LostError:
                lost = True
                if time.monotonic() >= deadline:
                    raise OutcomeUnknownError from None
            except StorageUnavailableError:
                if lost:
                    raise OutcomeUnknownError from None
                raise

    def _plan(self, changes: dict[str, Stored], view: View) -> "_Plan | None":
        """Return the commit on top of what is known; ``None`` if what ``view`` has read is different by then.

        Making the plan asks ZooKeeper for what is not remembered, and so may come to know of other commits.
        """
        with self._lock:
            while True:
                revision, version = self._revision, self._head_version
                self._load(changes)
                commit = Commit(self._root, self, changes)
                if len(self._views) > 1:  # beside the batch's own: keep for them what this commit replaces
                    for prefix in commit.directories:
                        self.names(prefix)
                if revision == self._revision:
                    return None if view.is_overtaken() else _Plan(commit, changes, revision + 1, version)

    def _load(self, keys: Iterable[str]) -> None:
        """Have it remembered what is stored at ``keys``; one round trip for all that is not."""
        with self._lock:
            missing = [key for key in keys if isinstance(self._memory.value(key), Unknown)]
            missing = [key for key in missing if self.children(parent_of(key)) is not None]
            if not missing:
                return
            before, *answers, head = self._ask(
                lambda client: [
                    client.get_async(self._head),
                    *(client.get_async(value_path(self._data, key)) for key in missing),
                    client.get_async(self._head),
                ]
            )
            if self._parse_head(before) != self._parse_head(head) or head[1].version != self._head_version:
                return  # each will be asked for by itself
            for key, answer in zip(missing, answers, strict=True):
                stored = None if isinstance(answer, NoNodeError) else _decoded(_checked(answer)[0], key)
                self._memory.keep_value(key, stored)

    def _made(self, plan: "_Plan", version: int) -> None:
        """Remember what our own commit has made true."""
        commit = plan.commit
        changed = Footprint((*commit.replaced, *commit.moved), commit.directories)
        with self._lock:
            if self._revision >= plan.revision:
                return  # another thread has followed our commit already
            self._forget(changed)
            self._revision, self._head_version = plan.revision, version
            for key in changed.keys:
                self._memory.keep_value(key, plan.changes[key])
            for prefix, number in commit.directories.items():
                self._memory.keep_children(prefix, number)

    def _is_ours(self, revision: int, commit_id: bytes) -> bool:
        """Whether the commit that led to ``revision`` is the one whose answer was lost."""
        path = f"{self._root}/changes/{entry_name(revision)}"
        try:
            # The barrier, because this may be another server than the one that refused.
            _, entry = self._ask(lambda client: (_barrier(client, self._head), client.get_async(path)))
        except StorageUnavailableError:
            raise OutcomeUnknownError from None
        if isinstance(entry, Exception):
            raise OutcomeUnknownError
        return _entry(entry[0]).commit_id == commit_id

    # -- large values, layout ------------------------------------------------------------------------------

    def _upload(self, changes: dict[str, bytes | None]) -> dict[str, Manifest]:
        """Store large values in parts that count for nothing yet."""
        uploads: dict[str, Manifest] = {}
        try:
            for key, value in changes.items():
                if value is None or len(value) <= INLINE_BYTES:
                    continue
                uploads[key] = manifest = Manifest.for_value(value)
                pending = f"{self._root}/pending/{manifest.id}"
                self._create(pending, encode_pending(Pending(key, manifest.parts)))
                for name, part in zip(manifest.names(), cut(value), strict=True):
                    self._create(f"{self._root}/parts/{name}", part, beside=pending)
        except BaseException:
            self._withdraw(uploads)
            raise
        return uploads

    def _withdraw(self, uploads: dict[str, Manifest]) -> None:
        """Take back what no commit refers to, as far as that is possible now; the sweep does the rest."""
        try:
            for key, manifest in uploads.items():
                self._remove_upload(manifest.id, Pending(key, manifest.parts))
        except StorageUnavailableError as error:
            log.warning("zookeeper: parts of an abandoned value are left for the sweep: %s", error.message)

    def _remove_upload(self, identifier: str, upload: Pending) -> None:
        """Remove a mark, and the parts beside it unless the value is made of them.

        A mark may stand for a value that counts: a request to make one, sent over a connection that was given
        up, may be carried out when the commit has long removed the mark. So this is done under the condition
        that nobody has committed since the value was looked at.
        """
        names = Manifest(identifier, upload.parts, 0).names()
        for attempt in range(MAX_ATTEMPTS):
            _pause(attempt)
            with self._lock:
                self.catch_up()
                stored = self.stored(upload.key)
                version = self._head_version
            is_live = isinstance(stored, Manifest) and stored.id == identifier
            paths = [f"{self._root}/parts/{name}" for name in ([] if is_live else names)]
            paths.append(f"{self._root}/pending/{identifier}")
            found = self._ask(lambda client, paths=paths: [client.exists_async(path) for path in paths])  # type: ignore[misc]
            there = [path for path, stat in zip(paths, found, strict=True) if _checked(stat) is not None]
            operations = [Operation("delete", path) for path in there]
            [answers] = self._ask(
                lambda client, version=version, operations=operations: [  # type: ignore[misc]
                    as_request(client, self._head, version, operations).commit_async()
                ]
            )
            if not any(isinstance(answer, Exception) for answer in _checked(answers)):
                return

    def _sweep(self) -> None:
        """Remove parts whose writer died before its commit, long ago."""
        [pending] = self._ask(lambda client: [client.get_children_async(f"{self._root}/pending")])
        for identifier in _checked(pending):
            path = f"{self._root}/pending/{identifier}"
            [found] = self._ask(partial(_get_all, paths=[path]))
            if isinstance(found, Exception):
                continue
            data, stat = found
            if self._clock.now() - stat.created <= SWEEP_AFTER_SECONDS:
                continue
            try:
                self._remove_upload(identifier, decode_pending(data))
            except msgspec.DecodeError:
                log.warning("zookeeper: %s is not one of ours and stays", path)

    def _lay_out(self) -> None:
        names = self._root.strip("/").split("/")
        for depth in range(len(names)):
            self._create("/" + "/".join(names[: depth + 1]), b"")
        for name in ("changes", "data", "parts", "pending"):
            self._create(f"{self._root}/{name}", b"")
        self._create(self._head, b"0")

    def _create(self, path: str, data: bytes, *, beside: str = "") -> None:
        """Create a znode; it may be there already, made by another node, or by us when an answer was lost.

        Args:
            path: where.
            data: what it holds.
            beside: a znode that has to exist.
        """
        if not beside:
            [answer] = self._ask(lambda client: [client.create_async(path, data)])
        else:
            [answers] = self._ask(lambda client: [_create_beside(client, beside, path, data)])
            refusals = [answer for answer in _checked(answers) if isinstance(answer, Exception)]
            answer = next((one for one in refusals if not isinstance(one, RolledBackError)), path)
        if not isinstance(answer, NodeExistsError):
            _checked(answer)

    # -- asking --------------------------------------------------------------------------------------------

    def _ask(self, send: Send) -> Answers:
        """Send what may be sent twice, until it is answered or patience ends."""
        self._refuse_if_closed()
        deadline = time.monotonic() + self._session.patience_seconds
        while True:
            try:
                return self._session.ask(send)
            except LostError as error:
                if time.monotonic() >= deadline:
                    raise StorageUnavailableError(
                        "storage: ZooKeeper does not answer; try again later", detail=str(error)
                    ) from None

    @staticmethod
    def _parse_head(head: Any) -> tuple[int, int]:
        if isinstance(head, NoNodeError):
            raise StorageUnavailableError("storage: ZooKeeper holds no store at the configured path")
        data, stat = _checked(head)
        if not data.isdigit():
            raise StorageBrokenError("storage: the head is not one of ours")
        return int(data), stat.version


class _Plan(NamedTuple):
    """A commit, and the one head on top of which it is right."""

    commit: Commit
    changes: dict[str, Stored]
    revision: int
    head_version: int


class _Batch(Generic[T]):
    """Changes that are to be made true by one commit."""

    def __init__(self, view: View) -> None:
        self.view = view
        self.commit_id = token_bytes(COMMIT_ID_BYTES)
        self.changes: dict[str, bytes | None] = {}
        self.outcomes: Outcomes[T] = []
        self._bytes = 0

    def run(self, changes: Sequence[Callable[[Transaction], T]]) -> None:
        """Run changes, each on top of those before it, until one would be too much for the packet.

        Raises:
            OvertakenError: what was read has changed.
        """
        for change in changes:
            overlay = Overlay(self.view, self.changes)
            outcome: T | Exception
            try:
                outcome = change(overlay)
            except OvertakenError:
                raise
            except Exception as error:  # noqa: BLE001 - the answer to this change, whatever it is
                outcome = error
                overlay.changes.clear()
            self._bytes += sum(_estimate(key, value) for key, value in overlay.changes.items())
            if self.outcomes and self._bytes > MAX_BATCH_BYTES:
                return
            self.outcomes.append(outcome)
            self.changes.update(overlay.changes)


def _estimate(key: str, value: bytes | None) -> int:
    """Return about what a change adds to a packet: a znode, its place in the log, its directories."""
    return 400 + 4 * len(key) + (len(value) if value is not None and len(value) <= INLINE_BYTES else 100)


def _pause(attempt: int) -> None:
    """Leave others time before a further attempt."""
    if attempt:
        time.sleep(_chance.uniform(0, _FAILED_COMMIT_PAUSE_SECONDS * min(attempt, 8)))


def _create_beside(client: KazooClient, beside: str, path: str, data: bytes) -> Any:
    request = client.transaction()
    request.check(beside, -1)
    request.create(path, data)
    return request.commit_async()


def _barrier(client: KazooClient, head: str) -> Any:
    request = client.transaction()
    request.check(head, -1)
    return request.commit_async()


def _get_all(client: KazooClient, paths: Sequence[str]) -> Sequence[Any]:
    return [client.get_async(path) for path in paths]


def _entry(data: bytes) -> Entry:
    try:
        return decode_entry(data)
    except msgspec.DecodeError as error:
        raise StorageBrokenError("storage: the log of changes is damaged", detail=str(error)) from error


def _decoded(data: bytes, key: str) -> bytes | Manifest:
    try:
        return decode_stored(data)
    except msgspec.DecodeError:
        raise StorageBrokenError("storage: a value is not one of ours", detail=key) from None


def _checked(answer: Any) -> Any:
    """Return an answer that is not a refusal."""
    if isinstance(answer, Exception):
        raise StorageUnavailableError("storage: ZooKeeper refuses a request", detail=type(answer).__name__)
    return answer
