"""Workers' links against the real writer loop, over real sockets, in one process."""

import asyncio
import socket
import threading

import pytest
import uvloop

from holdfast.errors import InternalError, UnavailableError
from holdfast.server.link import MAX_KEY_MESSAGE_BYTES, WriterLink
from holdfast.server.writer_loop import WORKER_ID, WriterLoop


class Office:
    """A writer loop in a thread, and as many worker links as a test opens."""

    def __init__(self, *, apply=None, key=None, **options):
        self.key = key
        self.batches = []
        self.failure = None
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.control.settimeout(60)
        self.loop = WriterLoop(
            theirs,
            apply=apply or self._echo,
            current_key_message=lambda: self.key,
            grace_seconds=1,
            **options,
        )
        self._theirs = theirs
        self._thread = threading.Thread(target=self._run)
        self._serial = 0

    def _run(self):
        try:
            self.loop.run()
        except Exception as error:  # noqa: BLE001 - the tests look at it
            self.failure = error

    def _echo(self, changes):
        self.batches.append(list(changes))
        return [b"done " + change for change in changes]

    def start(self):
        self._thread.start()

    def lines(self):
        """Register a worker and return its ends of the two lines."""
        frames, writer_frames = socket.socketpair()
        keys, writer_keys = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._serial += 1
        ends = [writer_frames.fileno(), writer_keys.fileno()]
        socket.send_fds(self.control, [WORKER_ID.pack(0, self._serial)], ends)
        writer_frames.close()
        writer_keys.close()
        return frames, keys

    def close(self):
        self.loop.stop()
        if self._thread.is_alive():
            self._thread.join(60)
        assert not self._thread.is_alive()
        self.control.close()
        self._theirs.close()


@pytest.fixture
def office():
    opened = []

    def open_office(**options):
        opened.append(Office(**options))
        return opened[-1]

    yield open_office
    for one in opened:
        one.close()


class Desk:
    """One worker's link, and what it was told."""

    def __init__(self, office, *, on_key=None):
        self.keys = []
        self.lost = 0
        self.views = []
        self._on_key = on_key
        self.link = WriterLink(*office.lines(), on_key_message=self._take, on_writer_lost=self._count_loss)

    def _take(self, message):
        self.views.append(message)
        self.keys.append(bytes(message))
        if self._on_key is not None:
            self._on_key()

    def _count_loss(self):
        self.lost += 1

    async def ask(self, *changes):
        """Submit all at once and return the answers in the order they came."""
        answers, finished = [], asyncio.Event()

        def done(answer):
            answers.append(answer)
            if len(answers) == len(changes):
                finished.set()

        for change in changes:
            self.link.submit(change, done)
        await asyncio.wait_for(finished.wait(), 60)
        return answers


async def until(condition):
    """Wait for something that happens in the writer's thread and tells nobody."""
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


def test_answers_come_in_the_order_of_the_questions(office):
    here = office()
    here.start()

    async def scenario():
        desk = Desk(here)
        desk.link.attach(asyncio.get_running_loop())
        changes = [b"%d" % n for n in range(1000)]
        assert await desk.ask(*changes) == [b"done " + change for change in changes]
        assert desk.link.unanswered == 0
        desk.link.close()

    uvloop.run(scenario())


def test_changes_of_one_turn_are_committed_together_but_never_too_many(office):
    here = office(max_batch=10)

    async def scenario():
        desks = [Desk(here), Desk(here)]
        for desk in desks:
            desk.link.attach(asyncio.get_running_loop())
        asking = [
            asyncio.create_task(desk.ask(*[b"%s%d" % (name, n) for n in range(20)]))
            for desk, name in zip(desks, (b"a", b"b"), strict=True)
        ]
        await asyncio.sleep(0)  # both have submitted
        await asyncio.sleep(0)  # and flushed, before the writer looks for the first time
        here.start()
        await asyncio.gather(*asking)
        for desk in desks:
            desk.link.close()

    uvloop.run(scenario())
    assert [len(batch) for batch in here.batches] == [10, 10, 10, 10]
    assert [change[:1] for change in here.batches[0]] == [b"a", b"b"] * 5  # neither crowds out the other


@pytest.mark.parametrize("size", [0, 1, 300_000, 9_000_000])
def test_payloads_larger_than_any_socket_buffer_pass_whole(office, size):
    here = office()
    here.start()
    payload = bytes(range(256)) * (size // 256) + b"x" * (size % 256)

    async def scenario():
        desk = Desk(here)
        desk.link.attach(asyncio.get_running_loop())
        assert await desk.ask(payload, b"after", payload) == [
            b"done " + payload,
            b"done after",
            b"done " + payload,
        ]
        desk.link.close()

    uvloop.run(scenario())


def test_a_defect_in_one_request_does_not_take_the_others_answers(office, caplog):
    here = office()
    here.start()

    async def scenario():
        desk = Desk(here)
        desk.link.attach(asyncio.get_running_loop())
        desk.link.submit(b"1", lambda answer: {}[answer])
        assert await desk.ask(b"2") == [b"done 2"]
        desk.link.close()

    uvloop.run(scenario())
    assert "KeyError" in caplog.text
    assert "done 1" not in caplog.text


def test_a_worker_learns_the_key_before_it_starts(office):
    here = office(key=b"k1")
    here.start()
    desk = Desk(here)
    desk.link.wait_for_key_state(60)
    assert desk.keys == [b"k1"]
    desk.link.close()


def test_the_writer_wipes_the_copy_it_greeted_with(office):
    copy = bytearray(b"canary")
    here = office(key=copy)
    here.start()
    desk = Desk(here)
    desk.link.wait_for_key_state(60)
    desk.link.close()
    here.close()
    assert desk.keys == [b"canary"]
    assert copy == bytes(6)


def test_a_worker_learns_that_there_is_no_key(office):
    here = office()
    here.start()
    desk = Desk(here)
    desk.link.wait_for_key_state(60)
    assert desk.keys == []
    desk.link.close()


def test_a_worker_does_not_start_without_knowing(office):
    here = office()  # and nobody runs it yet
    desk = Desk(here)
    with pytest.raises(UnavailableError):
        desk.link.wait_for_key_state(0.01)
    here.start()
    desk.link.close()


def test_a_broadcast_returns_when_every_worker_has_taken_the_key(office):
    taken_before_the_answer = []

    def apply(changes):
        here.loop.broadcast(changes[0])
        taken_before_the_answer.append([list(desk.keys) for desk in desks])
        return [b"open" for _ in changes]

    here = office(apply=apply)
    here.start()
    desks = [Desk(here), Desk(here)]

    async def scenario():
        for desk in desks:
            desk.link.wait_for_key_state(60)
            desk.link.attach(asyncio.get_running_loop())
        assert await desks[0].ask(b"k1") == [b"open"]
        for desk in desks:
            desk.link.close()

    uvloop.run(scenario())
    assert taken_before_the_answer == [[[b"k1"], [b"k1"]]]


def test_the_key_is_wiped_when_it_was_taken(office):
    here = office(key=b"canary")
    here.start()
    desk = Desk(here)
    desk.link.wait_for_key_state(60)
    assert b"canary" not in desk.link._key_buffer
    with pytest.raises(ValueError, match="released"):
        bytes(desk.views[0])
    desk.link.close()


def test_a_worker_that_cannot_take_a_key_is_lost_and_does_not_say_it_took_it(office, caplog):
    def fail():
        raise ValueError("canary")

    here = office(apply=lambda changes: [here.loop.broadcast(changes[0]) or b"done"])
    here.start()

    async def scenario():
        bad, good = Desk(here, on_key=fail), Desk(here)
        for desk in (bad, good):
            desk.link.wait_for_key_state(60)
            desk.link.attach(asyncio.get_running_loop())
        assert await good.ask(b"k1") == [b"done"]
        await until(lambda: bad.lost == 1)
        with pytest.raises(UnavailableError):
            bad.link.submit(b"x", print)
        good.link.close()

    uvloop.run(scenario())
    assert here.control.recv(8) == WORKER_ID.pack(0, 1)  # the supervisor is to end it
    assert "canary" not in caplog.text


def test_a_worker_that_never_takes_a_key_is_cut_off_in_time(office):
    def apply(changes):
        here.loop.broadcast(changes[0], timeout_seconds=1.0)
        return [b"done"]

    here = office(apply=apply)
    here.start()

    async def scenario():
        deaf, good = Desk(here), Desk(here)
        good.link.attach(asyncio.get_running_loop())
        assert await good.ask(b"k1") == [b"done"]
        assert here.loop.worker_count == 1
        deaf.link.attach(asyncio.get_running_loop())
        await until(lambda: deaf.lost == 1)
        good.link.close()

    uvloop.run(scenario())
    assert here.control.recv(8) == WORKER_ID.pack(0, 1)


def test_the_largest_key_message_passes_and_a_larger_one_is_refused(office):
    here = office(key=b"k" * MAX_KEY_MESSAGE_BYTES)
    here.start()
    desk = Desk(here)
    desk.link.wait_for_key_state(60)
    assert desk.keys == [b"k" * MAX_KEY_MESSAGE_BYTES]
    with pytest.raises(InternalError):
        here.loop.broadcast(b"k" * (MAX_KEY_MESSAGE_BYTES + 1))
    desk.link.close()


def test_a_writer_that_fails_ends_and_takes_its_workers_along(office):
    def apply(changes):
        raise OSError("fsync")

    here = office(apply=apply)
    here.start()

    async def scenario():
        desks = [Desk(here), Desk(here)]
        for desk in desks:
            desk.link.attach(asyncio.get_running_loop())
        desks[0].link.submit(b"x", print)
        await until(lambda: all(desk.lost == 1 for desk in desks))

    uvloop.run(scenario())
    assert isinstance(here.failure, OSError)


def test_a_missing_answer_is_a_defect_that_ends_the_writer(office):
    here = office(apply=lambda changes: [])
    here.start()

    async def scenario():
        desk = Desk(here)
        desk.link.attach(asyncio.get_running_loop())
        desk.link.submit(b"x", print)
        await until(lambda: desk.lost == 1)

    uvloop.run(scenario())
    assert isinstance(here.failure, ValueError)


def test_a_worker_that_leaves_is_forgotten_with_its_unread_answers(office):
    here = office()
    here.start()

    async def scenario():
        gone, stays = Desk(here), Desk(here)
        for desk in (gone, stays):
            desk.link.attach(asyncio.get_running_loop())
        gone.link.submit(b"x" * 1_000_000, print)
        await asyncio.sleep(0)
        gone.link.close()
        assert await stays.ask(b"1") == [b"done 1"]
        await until(lambda: here.loop.worker_count == 1)
        stays.link.close()

    uvloop.run(scenario())


def test_too_much_waiting_for_the_writer_is_refused_at_once(office, monkeypatch):
    monkeypatch.setattr("holdfast.server.link.MAX_WAITING_BYTES", 10)
    here = office()

    async def scenario():
        desk = Desk(here)
        desk.link.attach(asyncio.get_running_loop())
        desk.link.submit(b"12345678", print)
        with pytest.raises(UnavailableError, match="too many"):
            desk.link.submit(b"123", print)
        desk.link.close()

    uvloop.run(scenario())
    here.start()


def test_ticks_come_between_batches(office):
    ticked = threading.Event()
    here = office(on_tick=ticked.set, tick_seconds=0.01)
    here.start()
    assert ticked.wait(60)


def test_stopping_waits_for_the_workers_to_finish(office):
    here = office()
    here.start()

    async def scenario():
        desk = Desk(here)
        desk.link.attach(asyncio.get_running_loop())
        await desk.ask(b"1")
        here.loop.stop()
        assert await desk.ask(b"2") == [b"done 2"]
        desk.link.close()

    uvloop.run(scenario())


def test_without_a_supervisor_the_writer_ends(office):
    here = office()
    here.start()
    here.control.close()
    here._thread.join(60)
    assert not here._thread.is_alive()
