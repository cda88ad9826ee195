"""Tasks under way on this node: begun by a request, done by a thread, paused and asked after by others.

What a task was to do is on record, and how far it came is seen in the bucket. One that a crash or the node's
end cut short is shown as paused from the next start on; a backup is gone on with by resuming it, with the
rights of whoever resumes it. A restore that was cut short left nothing, and is asked for again.
"""

import logging
import threading
from collections.abc import Callable

import msgspec

from holdfast.clock import Clock
from holdfast.errors import ConflictError, HoldfastError, LimitReachedError, UnavailableError
from holdfast.node.backups.records import TaskCatalog, TaskKind, TaskRecord, TaskState

MAX_AT_ONCE = 4
BEAT_SECONDS = 5.0
INTERRUPTED = "the node ended meanwhile; resume it"

_log = logging.getLogger(__name__)


class StoppedError(ConflictError):
    """The task is to end."""


class Progress:
    """How far one task is, and whether it may go on. Written by its thread, read by others."""

    def __init__(self) -> None:
        self.total = 0
        self.done = 0
        self.moved = 0
        self._going = threading.Event()
        self._going.set()
        self.stopping = threading.Event()
        self.node_stops = threading.Event()

    def advance(self, count: int) -> None:
        """Count bytes, wait while the task is paused, and raise once it is to end.

        Raises:
            StoppedError: somebody stopped it.
            UnavailableError: the node stops.
        """
        self._going.wait()
        if self.node_stops.is_set():
            raise UnavailableError(INTERRUPTED)
        if self.stopping.is_set():
            raise StoppedError("it was stopped")
        self.done += count

    @property
    def is_paused(self) -> bool:
        """Whether somebody asked it to wait."""
        return not self._going.is_set()

    def pause(self) -> None:
        """Have the task wait before its next step."""
        self._going.clear()

    def resume(self) -> None:
        """Let it go on."""
        self._going.set()

    def end(self) -> None:
        """Have the task end before its next step."""
        self.stopping.set()
        self._going.set()

    def end_with_the_node(self) -> None:
        """Have it end in such a way that it can be resumed."""
        self.node_stops.set()
        self._going.set()


class Tasks:
    """The tasks of this node.

    Args:
        catalog: where they are on record.
        node_id: which node this is.
        clock: the time.
    """

    def __init__(self, catalog: TaskCatalog, *, node_id: str, clock: Clock) -> None:
        self._catalog = catalog
        self._node_id = node_id
        self._clock = clock
        self._guard = threading.Lock()
        self._running: dict[str, tuple[Progress, threading.Thread]] = {}

    def start(
        self, record: TaskRecord, work: Callable[[Progress], None], over: Callable[[TaskRecord], None]
    ) -> None:
        """Put a task on record and begin it; returns at once.

        Args:
            record: the task.
            work: does it, in another thread.
            over: called there with the record as it is in the end.

        Raises:
            LimitReachedError: this node has enough to do.
            ConflictError: the volume has a task already.
        """
        progress = Progress()
        thread = threading.Thread(
            target=self._work, args=(record, progress, work, over), name="cloud-backup", daemon=True
        )
        with self._guard:
            if len(self._running) >= MAX_AT_ONCE:
                raise LimitReachedError(f"this node has {MAX_AT_ONCE} backups and restores under way; wait")
            self._catalog.begin(record)
            self._running[record.id] = (progress, thread)
            thread.start()

    def live(self, record: TaskRecord) -> TaskRecord:
        """Return a record with the figures of this moment, if this node is at it."""
        with self._guard:
            running = self._running.get(record.id)
        return record if running is None else _now(record, running[0])

    def progress(self, identity: str) -> Progress | None:
        """Return how far a task is that this node is at; ``None`` otherwise."""
        with self._guard:
            running = self._running.get(identity)
        return None if running is None else running[0]

    def stop(self, seconds: float = 5.0) -> None:
        """End all tasks so that they can be resumed; for a node that stops."""
        with self._guard:
            running = list(self._running.values())
        for progress, _ in running:
            progress.end_with_the_node()
        for _, thread in running:
            thread.join(seconds)

    def recover(self) -> None:
        """Say of each task that this node was at when it ended that it can be resumed; for its start."""
        for record in self._catalog.enumerate():
            if record.node_id == self._node_id and record.ended_at == 0:
                self._catalog.update(record.id, self._interrupted)

    def _interrupted(self, record: TaskRecord) -> TaskRecord:
        resumable = record.kind is TaskKind.BACKUP
        return msgspec.structs.replace(
            record,
            state=TaskState.PAUSED if resumable else TaskState.FAILED,
            ended_at=int(self._clock.now()),
            problem=INTERRUPTED if resumable else "the node ended meanwhile; ask for it again",
        )

    def _work(
        self,
        record: TaskRecord,
        progress: Progress,
        work: Callable[[Progress], None],
        over: Callable[[TaskRecord], None],
    ) -> None:
        ended = threading.Event()
        beat = threading.Thread(
            target=self._beat, args=(record.id, progress, ended), name="cloud-beat", daemon=True
        )
        beat.start()
        state, problem = TaskState.FAILED, "a defect of the node stopped it; its log says more"
        try:
            work(progress)
            state, problem = TaskState.DONE, ""
        except StoppedError:
            state, problem = TaskState.STOPPED, ""
        except HoldfastError as error:
            problem = error.message
            if progress.node_stops.is_set() and record.kind is TaskKind.BACKUP:
                state, problem = TaskState.PAUSED, INTERRUPTED
        except OSError as error:
            problem = f"a file cannot be used ({error.strerror or 'input/output'})"
        except Exception:  # noqa: BLE001 - the last resort of a thread: logged, and told as a defect
            _log.exception("a cloud backup task failed")
        finally:
            ended.set()
            beat.join()
            last = msgspec.structs.replace(
                _now(record, progress), state=state, problem=problem, ended_at=int(self._clock.now())
            )
            try:
                self._catalog.update(record.id, lambda _: last)
            finally:
                with self._guard:
                    self._running.pop(record.id, None)
        over(last)

    def _beat(self, identity: str, progress: Progress, ended: threading.Event) -> None:
        while not ended.wait(BEAT_SECONDS):
            heard = int(self._clock.now())

            def edit(now: TaskRecord, heard: int = heard) -> TaskRecord:
                return msgspec.structs.replace(_now(now, progress), heard_at=heard)

            try:
                self._catalog.update(identity, edit)
            except HoldfastError as error:
                _log.warning("the progress of a backup cannot be noted: %s", error.message)


def _now(record: TaskRecord, progress: Progress) -> TaskRecord:
    return msgspec.structs.replace(
        record,
        state=TaskState.PAUSED if progress.is_paused else TaskState.ACTIVE,
        done_bytes=progress.done,
        total_bytes=progress.total,
        moved_bytes=progress.moved,
    )
