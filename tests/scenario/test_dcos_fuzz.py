"""Both APIs of DC/OS do what their OpenAPI documents say, whatever they are sent.

The documents are those that a real store serves. Requests are made up from them, within and outside of what
they allow, for names that exist and for others, with the token of a superuser and without, on an open store
and on a sealed one. Every answer must be one that the document has; none may be an error of ours.
"""

import base64

import pytest
from schemathesis import GenerationMode
from tests.support.dcos import DcosClient
from tests.support.fuzz import NOT_OFFERED, UNAVAILABLE, fuzz, read_document
from tests.support.iam import PASSWORD, rid_in_path
from tests.support.store_process import StoreProcess

from holdfast.api.dcos.openapi import ROWS
from holdfast.api.iam.openapi import PATHS
from holdfast.iam.passwords import LEAST_ITERATIONS, LEAST_MEMORY_KIB

EXAMPLES = 8  # of each kind of request, for each of some fifty operations
RID = "dcos:secrets:default:/known/*"
KNOWN = {
    "store": "default",
    "path": "known/secret",
    "uid": "known",
    "gid": "known",
    "rid": RID.replace("/", "%2F"),  # and once more when it becomes part of an address
    "action": "read",
}
SECRETS, IAM = "/secrets/v1/openapi.json", "/acs/api/v1/openapi.json"
OPERATIONS = [
    *((SECRETS, f"{row.method.upper()} {row.path}") for row in ROWS),
    *((IAM, f"{method} /{path}") for path, methods in PATHS.items() for method in methods),
    *((IAM, f"{method} /auth/{path}") for method, path in (("POST", "login"), ("GET", "logout"))),
    *((IAM, f"GET /auth/{path}") for path in ("jwks", "providers")),
]
OPENS_OR_SEALS = ("PUT /unseal", "PUT /auto-unseal", "PUT /init", "PUT /seal")


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    cost = f"argon2_memory = {LEAST_MEMORY_KIB}\n  argon2_iterations = {LEAST_ITERATIONS}"
    with StoreProcess(tmp_path_factory.mktemp("fuzz"), settings=f"iam {{\n  {cost}\n}}") as process:
        process.initialize(shares=1, threshold=1)
        yield process


@pytest.fixture(scope="module")
def documents(store):
    return {
        path: {found.ok().label: found.ok() for found in read_document(store, path).get_all_operations()}
        for path in (SECRETS, IAM)
    }


@pytest.fixture
def furnished(store):
    """The store, open, and in it everything that ``KNOWN`` names."""
    reopen(store)
    dcos = DcosClient(store)
    dcos.put(KNOWN["path"], "v")
    dcos.acs("PUT", "users/known", {"password": PASSWORD})
    dcos.acs("PUT", "groups/known", {"description": ""})
    dcos.acs("PUT", "groups/known/users/known")
    dcos.acs("PUT", f"acls/{rid_in_path(RID)}", {"description": ""})
    for subject in ("users", "groups"):
        dcos.acs("PUT", f"acls/{rid_in_path(RID)}/{subject}/known/read")
    return store


def reopen(store):
    if DcosClient(store).is_sealed():
        store.unseal()


def keep_new_shares(store, response):
    """Take note of new keys, which a request that was made up has dealt, and open what one has sealed."""
    if response.status_code == 200 and response.request.method == "PUT" and "/init/" in response.request.url:
        dealt = [base64.b64encode(bytes.fromhex(key)).decode() for key in response.json()["keys"]]
        store.shares = dealt
        store.threshold = DcosClient(store).api("GET", "seal-status/default").json["threshold"]
    reopen(store)


def can_be_broken(operation):
    """Whether a request can be made up that the document forbids, other than by its path."""
    raw = operation.definition.raw
    return "requestBody" in raw or any(parameter["in"] == "query" for parameter in raw.get("parameters", []))


def test_both_documents_describe_everything_that_is_served(documents):
    described = {(path, label) for path, operations in documents.items() for label in operations}
    assert described == set(OPERATIONS)


@pytest.mark.parametrize(("document", "label"), OPERATIONS, ids=[label for _, label in OPERATIONS])
def test_answers_are_those_of_the_document(furnished, documents, document, label):
    store, operation = furnished, documents[document][label]

    def run(mode, *, token=store.root_token, known=None):
        return fuzz(
            operation,
            store,
            mode=mode,
            token=token,
            known=known,
            after=lambda response: keep_new_shares(store, response),
            allowed=frozenset({NOT_OFFERED}),
            examples=EXAMPLES,
        )

    made_up = run(GenerationMode.POSITIVE)
    for_real_names = run(GenerationMode.POSITIVE, known=KNOWN)
    for_nobody = run(GenerationMode.POSITIVE, token="", known=KNOWN)
    assert made_up
    assert for_real_names
    if document == IAM and "/auth/" not in label:
        assert for_nobody == {401}
    if can_be_broken(operation):
        assert 400 in run(GenerationMode.NEGATIVE, known=KNOWN)


@pytest.mark.parametrize(
    ("document", "label"),
    [(document, label) for document, label in OPERATIONS if not label.startswith(OPENS_OR_SEALS)],
    ids=[label for _, label in OPERATIONS if not label.startswith(OPENS_OR_SEALS)],
)
def test_answers_of_a_sealed_store_are_too(furnished, documents, document, label):
    store = furnished
    assert DcosClient(store).api("PUT", "seal/default").status == 200
    seen = fuzz(
        documents[document][label],
        store,
        mode=GenerationMode.POSITIVE,
        token=store.root_token,
        known=KNOWN,
        allowed=frozenset({NOT_OFFERED, UNAVAILABLE}),
        examples=2,
    )
    if "/secret/" in label or (document == IAM and label != "GET /auth/providers"):
        assert seen <= {400, UNAVAILABLE}
        assert UNAVAILABLE in seen
