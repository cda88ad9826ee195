"""The Vault API does what its OpenAPI document says, whatever it is sent, and never by a fault of ours.

The document is the one that a real store serves. Requests are made up from it, within and outside of what it
allows, for names that exist, with the root token and without. Every answer must be one that the document has.
"""

import pytest
import schemathesis
from schemathesis import GenerationMode
from tests.support.fuzz import fuzz, with_vault_token
from tests.support.store_process import StoreProcess

DOCUMENT = "/v1/sys/internal/specs/openapi"
EXAMPLES = 2  # of each kind of request, for each of more than two hundred operations
KNOWN = {"name": "known", "path": "known", "second": "sha2-256", "third": "1"}
IN_THEIR_PLACE = {"datakey": {"second": "plaintext"}, "export": {"name": "hmac-key", "second": "known"}}
# These would end the root token or the store, or refuse everything that comes after them.
LEFT_OUT = {
    "POST /sys/seal",
    "POST /sys/shares",
    "POST /auth/token/revoke-self",
    "POST /sys/quotas/rate-limit/{name}",
}
# Where nobody is asked who he is: the state of the store, and what is a login in itself.
FOR_ANYBODY = (
    "/sys/init",
    "/sys/unseal",
    "/sys/seal-status",
    "/sys/leader",
    "/sys/health",
    "/sys/wrapping/lookup",
    "/sys/decode-token",
    "/sys/replication/status",
    "/sys/internal/ui/mounts",
    "/login",
)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with StoreProcess(tmp_path_factory.mktemp("vault-fuzz"), workers=1) as process:
        process.initialize(shares=1, threshold=1)
        client = process.client()
        for path, kind in (("one", "kv"), ("crypt", "transit"), ("known", "kv-v2")):
            client.request("PUT", f"sys/mounts/{path}", {"type": kind})
        for kind in ("userpass", "approle", "cert", "jwt", "kubernetes"):
            client.request("PUT", f"sys/auth/{kind}", {"type": kind})
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
        store.url + DOCUMENT, headers=with_vault_token(store.root_token), timeout=20
    )
    schema.config.update(base_url=store.url + "/v1")
    found = (result.ok() for result in schema.get_all_operations())
    return {one.label: one for one in sorted(found, key=lambda one: (one.method == "delete", one.label))}


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


def test_every_answer_is_one_of_the_document(store, operations, known_fields, subtests):
    assert len(operations) > 200
    done = []
    for label, operation in operations.items():
        if label in LEFT_OUT:
            continue
        with subtests.test(label):

            def run(mode, token, examples, *, label=label, operation=operation):
                return fuzz(
                    operation,
                    store,
                    mode=mode,
                    token=token,
                    carry=with_vault_token,
                    known=names_for(label),
                    fields=known_fields,
                    allowed=frozenset({501, 503}) if label == "GET /sys/health" else frozenset(),
                    examples=examples,
                )

            if run(GenerationMode.POSITIVE, store.root_token, EXAMPLES) & {200, 202, 204}:
                done.append(label)
            if can_be_broken(operation):
                assert run(GenerationMode.NEGATIVE, store.root_token, 1)
            if not operation.path.startswith(FOR_ANYBODY) and "/login" not in operation.path:
                assert run(GenerationMode.POSITIVE, "", 1) <= {400, 403}
    assert len(done) > len(operations) / 3, done  # what is made up gets far enough to mean something
    assert store.client().lookup_self()["policies"] == ["root"]
