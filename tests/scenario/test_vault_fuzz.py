"""The Vault API does what its OpenAPI document says, whatever it is sent, and never by a fault of ours.

The document is the one that a real store serves. Requests are made up from it, within and outside of what it
allows, for names that exist. Every answer must be one that the document has.
"""

import pytest
import schemathesis
from schemathesis import GenerationMode
from tests.support.fuzz import fuzz, with_vault_token
from tests.support.local_store import StoreUnderTest
from tests.support.store_process import StoreProcess

DOCUMENT = "/v1/sys/internal/specs/openapi"
EXAMPLES = 1  # of each kind of request, for each of more than three hundred operations
KNOWN = {"name": "known", "path": "known", "second": "sha2-256", "third": "1"}
IN_THEIR_PLACE = {"datakey": {"second": "plaintext"}, "export": {"name": "hmac-key", "second": "known"}}
# These would end the root token or the store, or refuse everything that comes after them.
LEFT_OUT = {
    "POST /sys/seal",
    "POST /sys/shares",
    "POST /auth/token/revoke-self",
    "POST /sys/quotas/rate-limit/{name}",
}
MOUNTS = {"one": "kv", "crypt": "transit", "known": "kv-v2"}
AUTH_MOUNTS = ("userpass", "approle", "cert", "jwt", "kubernetes")


def mount_everything(write):
    for path, kind in MOUNTS.items():
        write(f"sys/mounts/{path}", {"type": kind})
    for kind in AUTH_MOUNTS:
        write(f"sys/auth/{kind}", {"type": kind})


def labels():
    """Return what there is to ask for, what removes something last, from a store of this process."""
    store = StoreUnderTest().initialize()
    mount_everything(lambda path, body: store.vault("PUT", path, body, token=store.root))
    paths = store.vault("GET", DOCUMENT.removeprefix("/v1/"), token=store.root).json["paths"]
    found = {f"{method.upper()} {path}" for path, item in paths.items() for method in item}
    found -= {"GET " + DOCUMENT.removeprefix("/v1")}  # what the requests are made up from
    return sorted(found - LEFT_OUT, key=lambda label: (label.startswith("DELETE"), label))


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with StoreProcess(tmp_path_factory.mktemp("vault-fuzz"), workers=1) as process:
        process.initialize(shares=1, threshold=1)
        client = process.client()
        mount_everything(lambda path, body: client.request("PUT", path, body))
        client.request("PUT", "crypt/keys/known", {"exportable": True})
        client.request("PUT", "secret/data/known", {"data": {"k": "v"}})
        client.request("PUT", "one/known", {"k": "v"})
        client.request("PUT", "sys/policies/acl/known", {"policy": 'path "a" { capabilities = ["read"] }'})
        client.request("PUT", "auth/token/roles/known", {})
        client.request("PUT", "auth/approle/role/known", {})
        yield process


@pytest.fixture(scope="module")
def operations(store):
    schema = schemathesis.openapi.from_url(
        store.url + DOCUMENT, headers=with_vault_token(store.root_token), timeout=60
    )
    schema.config.update(base_url=store.url + "/v1")
    return {result.ok().label: result.ok() for result in schema.get_all_operations()}


@pytest.fixture(scope="module")
def known_fields(store):
    """Values that get a request further than made-up ones do."""
    client = store.client()
    made = client.request("POST", "auth/token/create", {"ttl": "1h", "policies": ["default"]})["auth"]
    encrypted = client.request("PUT", "crypt/encrypt/known", {"plaintext": "aGVsbG8="})
    return {
        "token": made["client_token"],
        "accessor": made["accessor"],
        "ciphertext": encrypted["data"]["ciphertext"],
        "hash_algorithm": "sha2-256",
        "lease_id": "auth/token/create/known",
        "policies": ["default"],
        "policy": 'path "a" { capabilities = ["read"] }',
        "role": "known",
        "source": "platform",
        "format": "hex",
    }


def names_for(label):
    places = (names for word, names in IN_THEIR_PLACE.items() if f"/{word}/" in label)
    return KNOWN | next(places, {})


def can_be_broken(operation):
    return bool(operation.definition.raw.get("requestBody", {}))


LABELS = labels()
tried: list[str] = []
done: list[str] = []


@pytest.mark.parametrize("label", LABELS)
def test_every_answer_is_one_of_the_document(store, operations, known_fields, label):
    def run(mode):
        return fuzz(
            operations[label],
            store,
            mode=mode,
            token=store.root_token,
            carry=with_vault_token,
            known=names_for(label),
            fields=known_fields,
            allowed=frozenset({501, 503}) if label == "GET /sys/health" else frozenset(),
            examples=EXAMPLES,
        )

    tried.append(label)
    if run(GenerationMode.POSITIVE) & {200, 202, 204}:
        done.append(label)
    if can_be_broken(operations[label]):
        assert run(GenerationMode.NEGATIVE)


def test_the_document_of_a_real_server_has_the_same_paths(operations):
    assert len(LABELS) > 300
    assert set(operations) == {*LABELS, *LEFT_OUT}


def test_what_is_made_up_gets_far_enough_to_mean_something(store):
    assert len(done) >= len(tried) / 3, done
    assert store.client().lookup_self()["policies"] == ["root"]
