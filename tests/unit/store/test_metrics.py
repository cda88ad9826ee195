"""Metrics: what was asked and what came of it, in a bounded set of numbers without names or values."""

import re

import pytest
from tests.support.local_store import request

from holdfast import errors
from holdfast.server.application import Application
from holdfast.server.shared_memory import SharedMemory
from holdfast.store.metrics.tally import CELLS, OUTCOMES, Tally, outcome_of
from holdfast.store.quotas.errors import QuotaExceededError
from holdfast.store.request import Answer, Operation

LINE = re.compile(r"([a-z_]+)(?:\{([^}]*)\})? ([0-9.e+-]+)")


def scrape(store, *, token=None):
    answer = store.vault("GET", "sys/metrics?format=prometheus", token=store.root if token is None else token)
    assert answer.status == 200, answer.body
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    return answer.body.decode()


def numbers(text):
    found = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            name, labels, value = LINE.fullmatch(line).groups()
            found[name, labels or ""] = float(value)
    return found


def test_what_came_of_requests_is_counted(store):
    before = numbers(scrape(store))
    store.vault("PUT", "secret/data/a", {"data": {"k": "v"}}, token=store.root)
    store.vault("GET", "secret/data/a", token=store.root)
    store.vault("GET", "secret/data/absent", token=store.root)
    store.vault("GET", "secret/data/a", token="hvs.forged")
    store.vault("PUT", "auth/token/create", {"ttl": "x"}, token=store.root)
    after = numbers(scrape(store))

    def more(operation, outcome):
        key = ("holdfast_requests_total", f'operation="{operation}",outcome="{outcome}"')
        return after[key] - before[key]

    assert more("update", "answered") == 1
    assert more("read", "answered") == 2  # the secret, and the reading of metrics before
    assert (more("read", "absent"), more("read", "denied"), more("update", "invalid")) == (1, 1, 1)
    assert after["vault_core_unsealed", ""] == 1
    mounts = store.vault("GET", "sys/mounts", token=store.root).data
    assert after["holdfast_mounts", 'kind="secrets"'] == len(mounts)


def test_what_clients_send_adds_no_number_and_no_text(store):
    names = set(numbers(scrape(store)))
    canary = "canary-7f3a"
    store.vault("PUT", f"secret/data/{canary}", {"data": {canary: canary}}, token=store.root)
    for number in range(50):
        store.vault("GET", f"secret/data/{canary}{number}", token=f"{canary}{number}")
        store.vault("PUT", f"sys/policies/acl/{canary}{number}", {"policy": canary}, token=store.root)
    text = scrape(store)
    assert set(numbers(text)) == names
    assert canary not in text
    assert store.root not in text


def test_every_metric_says_what_it_is_once(store):
    lines = scrape(store).splitlines()
    types = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    assert len(types) == len(set(types))
    assert {name for name, _ in numbers("\n".join(lines))} == set(types)


def test_people_read_them_as_json(store):
    answer = store.vault("GET", "sys/metrics", token=store.root)
    gauges = {gauge["Name"]: gauge["Value"] for gauge in answer.json["Gauges"]}
    assert gauges["holdfast_key_term"] == 1
    assert store.vault("GET", "sys/metrics?format=xml", token=store.root).status == 400


def test_it_takes_a_token_that_may(store):
    assert store.vault("GET", "sys/metrics?format=prometheus").status == 403
    assert store.vault("GET", "sys/metrics", token=store.token(policies=["default"])).status == 403
    scrape(store, token=store.token_for({"sys/metrics": ["read"]}))


def test_a_listener_that_was_told_to_shows_them_to_anybody_while_sealed_too(store):
    store.application = Application(store.local.store, open_metrics=True)
    assert numbers(scrape(store, token=""))["vault_core_unsealed", ""] == 1
    store.seal()
    sealed = numbers(scrape(store, token=""))
    assert sealed["vault_core_unsealed", ""] == 0
    assert ("holdfast_key_term", "") not in sealed
    assert store.send(request("POST", "/v1/sys/metrics", {})).status == 503


@pytest.mark.parametrize(
    ("outcome", "word"),
    [
        (Answer(), "answered"),
        (Answer(missing=True), "absent"),
        (errors.NotFoundError(""), "absent"),
        (errors.UnauthenticatedError(""), "denied"),
        (errors.ConflictError(""), "invalid"),
        (errors.SealedError(), "unavailable"),
        (QuotaExceededError(1, 1), "limited"),
        (errors.InternalError(""), "failed"),
        (errors.HoldfastError(""), "failed"),
    ],
)
def test_every_outcome_has_a_word(outcome, word):
    assert outcome_of(outcome) == word
    assert word in OUTCOMES


def test_processes_count_together():
    memory = SharedMemory(3).counts
    assert len(memory) == 3 * CELLS
    tallies = [Tally(memory, row) for row in range(3)]
    for tally in tallies:
        tally.count(Operation.READ, Answer(), 0.5)
    for tally in tallies:
        assert {(o, w): n for o, w, n in tally.requests()}[Operation.READ, "answered"] == 3
        assert tally.seconds(Operation.READ) == 1.5


def test_the_configuration_is_shown_to_who_may(store):
    assert store.vault("GET", "sys/config/state/sanitized", token=store.root).data == {}
    assert store.vault("GET", "sys/config/state/sanitized").status == 403
