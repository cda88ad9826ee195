"""No acknowledged change is lost and none is made twice, whatever becomes of PostgreSQL and the way to it."""

import os
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import pytest
from tests.support.cutting_proxy import cutting_proxy
from tests.support.postgresql import postgresql

from holdfast.storage import StorageBrokenError, StorageUnavailableError
from holdfast.storage.errors import OutcomeUnknownError
from holdfast.storage.postgresql import PostgresqlStorage, read_settings


@pytest.fixture(scope="module")
def server():
    with postgresql() as running:
        yield running


@pytest.fixture
def table(server, request):
    table = f"faults.t_{abs(hash(request.node.name)):x}"
    yield table
    server.run(f"DROP TABLE IF EXISTS {table}")


def options(server, table, *, port=None, patience="10s"):
    return {"connection_url": server.url(port=port), "table": table, "request_timeout": patience}


@contextmanager
def engine(server, table, **how):
    storage = PostgresqlStorage(read_settings(options(server, table, **how)))
    try:
        yield storage
    finally:
        storage.close()


def put(key, value):
    return lambda transaction: transaction.put(key, value)


def increment(transaction):
    number = int(transaction.get("counter") or b"0") + 1
    transaction.put("counter", b"%d" % number)
    return number


WRITER = """
import sys
from holdfast.storage.errors import OutcomeUnknownError, StorageUnavailableError
from holdfast.storage.postgresql import PostgresqlStorage, read_settings
url, table, name, count = sys.argv[1:]
storage = PostgresqlStorage(
    read_settings({"connection_url": url, "table": table, "request_timeout": "30s"})
)
for n in range(int(count)):
    def change(transaction, n=n):
        number = int(transaction.get("counter") or b"0") + 1
        transaction.put("counter", b"%d" % number)
        transaction.put(f"done/{number:06}", f"{name}-{n}".encode())
        return number
    outcome = storage.write(change) if n % 2 else storage.write_all([change, lambda t: 1 / 0])[0]
    sys.stdout.write(f"{outcome} {name}-{n}\\n")
    sys.stdout.flush()
storage.close()
"""


@contextmanager
def writers(server, table, *, names, count):
    """Run processes that count together; yield a function that waits for them and returns what they heard."""
    running = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, server.url(), table, name, str(count)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={"PATH": os.environ["PATH"]},
        )
        for name in names
    ]

    def finish():
        told = {}
        for process in running:
            out, err = process.communicate(timeout=90)
            assert process.returncode == 0, err.decode()
            for line in out.decode().splitlines():
                number, work = line.split()
                assert int(number) not in told
                told[int(number)] = work
        return told

    try:
        yield finish
    finally:
        for process in running:
            process.kill()
            process.communicate()


def require_all_of(told, storage, total):
    """Nothing was lost, nothing was made twice, and the answers were true."""
    storage.catch_up()
    stored = {int(name): storage.get(f"done/{name}").decode() for name in storage.list("done/", limit=10**6)}
    assert int(storage.get("counter")) == total == len(stored)
    assert told == stored


def test_two_processes_that_count_together_lose_nothing(server, table):
    with engine(server, table) as storage, writers(server, table, names="ab", count=150) as finish:
        require_all_of(finish(), storage, 300)


def test_a_server_that_is_stopped_and_started_costs_nobody_a_change(server, table):
    with engine(server, table) as storage, writers(server, table, names="ab", count=400) as finish:
        for _ in range(2):
            wait_for_commits(storage, 40)
            server.stop()
            server.start()
        require_all_of(finish(), storage, 800)


def test_a_server_that_is_killed_recovers_every_acknowledged_change(server, table):
    with engine(server, table) as storage, writers(server, table, names="abc", count=300) as finish:
        for _ in range(3):
            wait_for_commits(storage, 40)
            server.kill()
            server.start()
        assert "redo" in server.log()
        require_all_of(finish(), storage, 900)


def test_sessions_that_are_ended_cost_nobody_a_change(server, table):
    with engine(server, table) as storage, writers(server, table, names="ab", count=250) as finish:
        ended = 0
        for _ in range(8):
            wait_for_commits(storage, 15)
            ended += server.end_sessions()
        assert ended > 16
        require_all_of(finish(), storage, 500)


def wait_for_commits(storage, number):
    deadline = time.monotonic() + 60
    goal = storage.revision() + number
    while storage.revision() < goal:
        assert time.monotonic() < deadline
        time.sleep(0.005)


def wait_until_it_is_found_again(storage):
    deadline = time.monotonic() + 60
    while True:
        try:
            return storage.catch_up()
        except StorageUnavailableError:
            assert time.monotonic() < deadline
            time.sleep(0.005)


# The answer to a commit


@pytest.mark.parametrize("harm", ["lose_answers", "lose_questions"])
def test_a_commit_whose_answer_is_lost_is_made_exactly_once(server, table, harm):
    with cutting_proxy(server.port) as proxy, engine(server, table, port=proxy.port) as storage:
        harmed = []

        def change(transaction):
            if not harmed:  # the lock is ours; what is sent next is the commit
                harmed.append(True)
                getattr(proxy, harm)()
            return increment(transaction)

        for number in range(1, 4):
            harmed.clear()
            before = storage.revision()
            assert storage.write(change) == number
            assert storage.get("counter") == b"%d" % number
            assert storage.revision() == before + 1


def test_a_commit_that_is_held_up_on_its_way_is_not_taken_for_lost(server, table):
    """It reaches the server when the writer has given the connection up and asks what became of it."""
    with (
        cutting_proxy(server.port) as proxy,
        engine(server, table, port=proxy.port, patience="3s") as storage,
    ):
        runs = []

        def change(transaction):
            runs.append(True)
            number = increment(transaction)
            threading.Timer(4.2, proxy.hold_questions()).start()
            return number

        assert storage.write(change) == 1
        assert len(runs) == 1
        storage.catch_up()
        assert storage.get("counter") == b"1"


@pytest.mark.parametrize(("harm", "made"), [("lose_answers", b"1"), ("lose_questions", None)])
def test_an_outcome_that_cannot_be_found_out_is_called_unknown(server, table, harm, made):
    with (
        cutting_proxy(server.port) as proxy,
        engine(server, table, port=proxy.port, patience="1s") as storage,
    ):

        def change(transaction):
            number = increment(transaction)
            getattr(proxy, harm)()
            proxy.refuse()
            return number

        with pytest.raises(OutcomeUnknownError):
            storage.write(change)
        with pytest.raises(StorageUnavailableError):
            storage.catch_up()
        proxy.refuse(False)
        wait_until_it_is_found_again(storage)
        assert storage.get("counter") == made


def test_a_connection_lost_before_the_commit_has_the_change_run_again(server, table):
    with engine(server, table) as storage:
        runs = []

        def change(transaction):
            runs.append(True)
            if len(runs) < 3:
                server.end_sessions()
            return increment(transaction)

        assert storage.write(change) == 1
        assert len(runs) == 3
        assert storage.revision() == 1


def test_a_refusal_counts_only_if_the_lock_was_ours_until_then(server, table):
    with engine(server, table) as storage, engine(server, table) as other:
        runs = []

        def change(transaction):
            runs.append(True)
            found = transaction.get("counter")
            if len(runs) == 1:
                server.run(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE state = 'idle in transaction' AND application_name = 'holdfast'"
                )
                other.write(increment)
            return found

        assert storage.write(change) == b"1"


# Others on the same server


def test_a_node_that_stands_still_with_the_lock_in_hand_loses_it(server, table):
    with engine(server, table) as slow, engine(server, table) as other:
        held, over = threading.Event(), threading.Event()
        outcomes = []

        def change(transaction):
            number = increment(transaction)
            if not held.is_set():
                held.set()
                over.wait(30)
            return number

        thread = threading.Thread(target=lambda: outcomes.append(slow.write(change)))
        thread.start()
        assert held.wait(60)
        started = time.monotonic()
        assert other.write(increment) == 1
        assert time.monotonic() - started > 2
        over.set()
        thread.join(60)
        assert outcomes == [2]


def test_a_lock_that_others_keep_is_waited_for_no_longer_than_patience_lasts(server, table):
    with engine(server, table, patience="1s") as hasty, engine(server, table) as slow:
        held, over = threading.Event(), threading.Event()

        def change(transaction):
            held.set()
            over.wait(30)
            return increment(transaction)

        thread = threading.Thread(target=lambda: slow.write(change))
        thread.start()
        assert held.wait(60)
        with pytest.raises(StorageUnavailableError, match="other nodes hold"):
            hasty.write(increment)
        over.set()
        thread.join(60)
        assert hasty.write(increment) == 2


def test_a_server_that_falls_silent_is_given_up_and_found_again(server, table):
    with (
        cutting_proxy(server.port) as proxy,
        engine(server, table, port=proxy.port, patience="6s") as storage,
    ):
        storage.write(increment)
        let_go = proxy.hold_questions()
        started = time.monotonic()
        storage.catch_up()
        assert time.monotonic() - started > 3
        assert storage.get("counter") == b"1"
        let_go()


def test_while_the_server_is_away_calls_fail_soon_and_work_again_by_themselves(server, table):
    with engine(server, table, patience="1s") as storage:
        storage.write(increment)
        server.stop()
        try:
            with pytest.raises(StorageUnavailableError):
                storage.catch_up()
            started = time.monotonic()
            for _ in range(20):
                with pytest.raises(StorageUnavailableError, match="PostgreSQL is away"):
                    storage.catch_up()
            assert time.monotonic() - started < 10  # each of them would wait for a second
            with pytest.raises(StorageUnavailableError):
                storage.write(increment)
        finally:
            server.start()
        wait_until_it_is_found_again(storage)
        assert storage.write(increment) == 2


@pytest.mark.parametrize("commits_since", [0, 2, 5])
def test_a_database_that_was_set_back_is_noticed_until_the_process_starts_anew(server, table, commits_since):
    with engine(server, table) as storage:
        storage.write(put("a", b"old"))
        backup = server.run(f"SELECT key, value FROM {table}")
        storage.write(put("a", b"new"))
        storage.write(put("b", b"new"))
        server.run(f"TRUNCATE {table}")
        for key, value in backup:
            server.run(f"INSERT INTO {table} VALUES (%s, %s)", [key, value])
        with engine(server, table) as other:
            for number in range(commits_since):
                other.write(put("c", b"%d" % number))
            assert (other.get("a"), other.get("b")) == (b"old", None)
        for _ in range(2):
            with pytest.raises(StorageBrokenError, match="went back to an earlier state"):
                storage.catch_up()
            with pytest.raises(StorageBrokenError, match="went back to an earlier state"):
                storage.write(increment)


def test_a_store_that_was_removed_is_not_taken_for_an_empty_one(server, table):
    with engine(server, table) as storage:
        storage.write(put("a", b"1"))
        server.run(f"TRUNCATE {table}")
        with pytest.raises(StorageUnavailableError, match="holds no store"):
            storage.catch_up()
        server.run(f"DROP TABLE {table}")
        with pytest.raises(StorageUnavailableError, match="holds no store"):
            storage.catch_up()
        with pytest.raises(StorageUnavailableError, match="holds no store"):
            storage.write(increment)


def test_a_reader_that_lags_far_behind_forgets_everything_and_reads_on(server, table, monkeypatch):
    monkeypatch.setattr("holdfast.storage.postgresql.engine.KEPT_ENTRIES", 5)
    with engine(server, table) as storage, engine(server, table) as reader:
        storage.write(put("a", b"1"))
        reader.catch_up()
        assert reader.get("a") == b"1"
        with reader.snapshot() as view:
            for number in range(12):
                storage.write(put("a", b"%d" % number))
            reader.catch_up()
            with pytest.raises(StorageUnavailableError, match="try again"):
                view.get("a")
        assert reader.get("a") == b"11"
        assert reader.revision() == 13
        reader.write(put("a", b"new"))
        storage.catch_up()
        assert storage.get("a") == b"new"


def test_closing_lets_go_of_who_waits_for_a_server(server, table):
    with engine(server, table, patience="30s") as storage:
        server.stop()
        try:
            refused = []

            def wait():
                with pytest.raises(StorageUnavailableError) as caught:
                    storage.write(increment)
                refused.append(caught.value.message)

            waiting = threading.Thread(target=wait)
            waiting.start()
            time.sleep(0.5)
            storage.close()
            waiting.join(60)
            assert refused == ["storage: closed"]
        finally:
            server.start()
