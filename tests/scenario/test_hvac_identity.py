"""hvac, an unmodified client of the Vault API, at ``identity/``, with a store of several processes."""

import threading
from collections.abc import Iterator
from typing import Any

import hvac
import pytest
from tests.support.store_process import StoreProcess

PASSWORD = "correct-horse-7f3a"
ACCOUNTS, LOGINS = 10, 120


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreProcess]:
    with StoreProcess(tmp_path_factory.mktemp("hvac-identity")) as process:
        process.initialize()
        yield process


@pytest.fixture(scope="module")
def client(store: StoreProcess) -> hvac.Client:
    client = client_of(store, store.root_token)
    client.sys.enable_auth_method("approle")
    for number in range(ACCOUNTS):
        client.auth.approle.create_or_update_approle(
            f"app-{number}", bind_secret_id=False, secret_id_bound_cidrs=["127.0.0.0/8"], token_policies=[]
        )
        client.auth.approle.update_role_id(f"app-{number}", f"role-id-{number}")
    return client


def client_of(store: StoreProcess, token: str | None = None) -> hvac.Client:
    client = hvac.Client(url=store.url)
    client.token = token
    return client


def log_in(store: StoreProcess, number: int) -> dict[str, Any]:
    auth: dict[str, Any] = client_of(store).auth.approle.login(f"role-id-{number}", use_token=False)["auth"]
    return auth


def accessor_of(client: hvac.Client, path: str) -> str:
    accessor: str = client.sys.list_auth_methods()["data"][path]["accessor"]
    return accessor


def test_entities(client: hvac.Client) -> None:
    identity = client.secrets.identity
    made = identity.create_or_update_entity("ann", metadata={"team": "blue"}, policies=["p"])["data"]
    assert identity.read_entity(made["id"])["data"]["metadata"] == {"team": "blue"}
    assert identity.update_entity(made["id"], metadata={"team": "red"}, disabled=True).status_code == 204
    assert identity.read_entity_by_name("ann")["data"]["disabled"] is True
    assert identity.create_or_update_entity_by_name("ann", disabled=False).status_code == 204
    other = identity.create_or_update_entity_by_name("bob")["data"]["id"]
    assert set(identity.list_entities()["data"]["keys"]) == {made["id"], other}
    assert identity.list_entities(method="GET")["data"]["key_info"][other] == {"name": "bob"}
    assert identity.list_entities_by_name()["data"]["keys"] == ["ann", "bob"]
    assert identity.lookup_entity(name="ann")["data"]["id"] == made["id"]
    assert identity.lookup_entity(name="nobody").status_code == 204
    assert identity.merge_entities(from_entity_ids=[other], to_entity_id=made["id"]).status_code == 204
    assert identity.list_entities_by_name()["data"]["keys"] == ["ann"]
    assert identity.delete_entity_by_name("ann").status_code == 204
    for gone in (made["id"], other):
        with pytest.raises(hvac.exceptions.InvalidPath):
            identity.read_entity(gone)
    with pytest.raises(hvac.exceptions.InvalidPath):
        identity.list_entities()
    with pytest.raises(hvac.exceptions.InvalidRequest, match="policies cannot contain root"):
        identity.create_or_update_entity("eve", policies=["root"])


def test_entity_aliases(client: hvac.Client, store: StoreProcess) -> None:
    identity, accessor = client.secrets.identity, accessor_of(client, "approle/")
    entity = identity.create_or_update_entity("app-0")["data"]["id"]
    made = identity.create_or_update_entity_alias("role-id-0", entity, accessor)["data"]
    assert made["canonical_id"] == entity
    assert identity.read_entity_alias(made["id"])["data"]["mount_path"] == "auth/approle/"
    assert identity.list_entity_aliases()["data"]["keys"] == [made["id"]]
    assert log_in(store, 0)["entity_id"] == entity
    moved = identity.update_entity_alias(made["id"], "role-id-1", entity, accessor)["data"]
    assert moved == {"id": made["id"], "canonical_id": entity}
    assert log_in(store, 1)["entity_id"] == entity
    assert log_in(store, 0)["entity_id"] != entity
    found = identity.lookup_entity(alias_name="role-id-1", alias_mount_accessor=accessor)["data"]
    assert found["id"] == entity
    assert identity.delete_entity_alias(made["id"]).status_code == 204
    assert identity.delete_entity(entity).status_code == 204


def test_groups_and_their_aliases(client: hvac.Client, store: StoreProcess) -> None:
    identity, accessor = client.secrets.identity, accessor_of(client, "approle/")
    member = log_in(store, 2)["entity_id"]
    made = identity.create_or_update_group("ops", policies=["p"], member_entity_ids=[member])["data"]
    assert identity.read_group(made["id"])["data"]["member_entity_ids"] == [member]
    above = identity.create_or_update_group("above", policies=["q"], member_group_ids=[made["id"]])["data"]
    assert log_in(store, 2)["identity_policies"] == ["p", "q"]
    assert identity.update_group(made["id"], "ops", metadata={"a": "b"}, policies=["r"]).status_code == 204
    assert log_in(store, 2)["identity_policies"] == ["q", "r"]
    assert identity.create_or_update_group_by_name("above", policies=[]).status_code == 204
    assert identity.read_group_by_name("above")["data"]["policies"] is None
    assert identity.list_groups()["data"]["key_info"][made["id"]]["num_parent_groups"] == 1
    assert identity.list_groups_by_name()["data"]["keys"] == ["above", "ops"]
    with pytest.raises(hvac.exceptions.InvalidRequest, match="cyclic"):
        identity.update_group(made["id"], "ops", member_group_ids=[above["id"]])
    outside = identity.create_or_update_group("outside", group_type="external")["data"]["id"]
    alias = identity.create_or_update_group_alias("crew", mount_accessor=accessor, canonical_id=outside)
    assert identity.read_group_alias(alias["data"]["id"])["data"]["name"] == "crew"
    updated = identity.update_group_alias(alias["data"]["id"], "team", mount_accessor=accessor)["data"]
    assert updated == {"id": alias["data"]["id"], "canonical_id": outside}
    assert identity.lookup_group(alias_name="team", alias_mount_accessor=accessor)["data"]["id"] == outside
    assert identity.list_group_aliases()["data"]["keys"] == [alias["data"]["id"]]
    assert identity.delete_group_alias(alias["data"]["id"]).status_code == 204
    for name in ("outside", "above"):
        assert identity.delete_group_by_name(name).status_code == 204
    assert identity.delete_group(made["id"]).status_code == 204
    assert "identity_policies" not in log_in(store, 2)


def test_many_logins_at_once_are_of_one_entity_and_leave_storage_as_it_was(
    client: hvac.Client, store: StoreProcess
) -> None:
    entities = [log_in(store, number)["entity_id"] for number in range(ACCOUNTS)]
    client.secrets.identity.update_entity(entities[3], policies=["p"])
    seen: dict[int, set[str]] = {number: set() for number in range(ACCOUNTS)}

    def storm(start: int) -> None:
        for step in range(LOGINS // 8):
            number = (start + step) % ACCOUNTS
            seen[number].add(log_in(store, number)["entity_id"])

    run_all(storm)
    size = size_of_data(store)
    run_all(storm)
    assert size_of_data(store) == size
    assert seen == {number: {entity} for number, entity in enumerate(entities)}
    assert len(client.secrets.identity.read_entity(entities[3])["data"]["aliases"]) == 1


def test_whoever_is_disabled_is_refused_by_every_process_at_once(
    client: hvac.Client, store: StoreProcess
) -> None:
    auth = log_in(store, 5)
    clients = [client_of(store, auth["client_token"]) for _ in range(6)]
    assert all(each.is_authenticated() for each in clients)
    client.secrets.identity.update_entity(auth["entity_id"], disabled=True)
    assert not any(each.is_authenticated() for each in clients)
    with pytest.raises(hvac.exceptions.Forbidden):
        log_in(store, 5)
    client.secrets.identity.update_entity(auth["entity_id"], disabled=False)
    assert all(each.is_authenticated() for each in clients)


def run_all(work: Any) -> None:
    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    assert not any(thread.is_alive() for thread in threads)


def size_of_data(store: StoreProcess) -> list[tuple[str, int, bytes]]:
    """Return every file of the store's data, with its size and content."""
    files = [
        path for path in sorted(store.data_path.rglob("*")) if path.is_file() and "lock" not in path.name
    ]
    return [(path.name, path.stat().st_size, path.read_bytes()) for path in files]
