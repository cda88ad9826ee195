"""What the benchmarks ask: who may read what, and how much an answer weighs."""

from functools import partial

import pytest
from bench.population import populate, populate_machines, remove
from bench.workload import TEAMS, Workload
from tests.support.local_store import StoreUnderTest

from holdfast.errors import HoldfastError

LOAD = Workload(mount="bench-1", secrets=60, tokens=40)


def call(store, method, path, body):
    answer = store.vault(method, path, body, token=store.root)
    if answer.status >= 300:
        raise HoldfastError(f"{method} {path}: {answer.status}")
    return answer.json if answer.body else {}


@pytest.fixture
def store():
    return StoreUnderTest().initialize()


def test_every_token_is_asked_for_and_only_by_its_own_team():
    asked = {LOAD.token_of(secret) for secret in range(LOAD.secrets)}
    assert asked == set(range(LOAD.tokens))
    for secret in range(LOAD.secrets):
        assert LOAD.token_of(secret) % TEAMS == secret % TEAMS


def test_no_two_secrets_share_a_path():
    assert len({LOAD.path(secret) for secret in range(LOAD.secrets)}) == LOAD.secrets


def test_a_populated_store_gives_each_secret_to_its_token_and_to_no_other_team(store):
    tokens = populate(partial(call, store), LOAD, parallel=1)
    for secret in range(LOAD.secrets):
        own = store.vault("GET", LOAD.path(secret), token=tokens[LOAD.token_of(secret)])
        assert own.data["data"] == LOAD.body(secret)["data"]
        foreign = store.vault("GET", LOAD.path(secret), token=tokens[LOAD.token_of(secret + 1)])
        assert foreign.status == 403


def test_each_machine_logs_in_with_an_id_of_its_own_and_gets_a_batch_token_of_its_team(store):
    ask = partial(call, store)
    tokens = populate(ask, LOAD, parallel=1)
    machines = populate_machines(ask, LOAD)
    assert len({machine["secret_id"] for machine in machines}) == LOAD.tokens
    for number, machine in enumerate(machines):
        auth = store.vault("POST", LOAD.login_path, machine).json["auth"]
        assert auth["token_type"] == "batch"
        assert set(auth["policies"]) == {"default", LOAD.policy_of_token(number)}
    remove(ask, LOAD, tokens)
    assert store.vault("POST", LOAD.login_path, machines[0]).status >= 400


def test_an_answer_has_about_400_bytes(store):
    tokens = populate(partial(call, store), LOAD, parallel=1)
    answer = store.vault("GET", LOAD.path(0), token=tokens[LOAD.token_of(0)])
    assert 370 <= len(answer.body) <= 430


def test_what_was_put_into_a_server_is_taken_out_again(store):
    before = store.vault("GET", "sys/mounts", token=store.root).data, policies(store)
    tokens = populate(partial(call, store), LOAD, parallel=1)
    remove(partial(call, store), LOAD, tokens)
    assert (store.vault("GET", "sys/mounts", token=store.root).data, policies(store)) == before
    assert not any(store.is_live(token) for token in tokens)


def test_taking_out_what_is_not_there_is_no_error(store):
    remove(partial(call, store), LOAD, ["hvs.unknown"])


def policies(store):
    return store.vault("LIST", "sys/policies/acl", token=store.root).data["keys"]
