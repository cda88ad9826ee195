"""How large a secret may be, on every storage engine: counted raw, to the byte, and refused with figures.

And what several clients at once may do to one name: exactly one of them creates it.
"""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.support.dcos import BINARY, JSON, DcosClient
from tests.support.store_process import StoreProcess
from tests.support.store_talk import ask
from tests.support.zookeeper import zookeeper

MEBIBYTE = 1024 * 1024
LARGEST_UPLOAD_OF_THE_PAGE = 786 * 1024
CLIENTS = 12

pytestmark = pytest.mark.timeout(240)  # a ZooKeeper starts within the first test


@pytest.fixture(scope="module", params=["embedded", "memory", "zookeeper"])
def engine(request, tmp_path_factory):
    """The name of an engine, and where its server is if it has one."""
    if request.param != "zookeeper":
        yield request.param, ""
        return
    # It keeps all data and the last 500 commits in its heap: of what comes here, the usual 128 MiB overflow.
    with zookeeper(tmp_path_factory.mktemp("zookeeper"), jvm=["-Xmx512m"]) as server:
        yield request.param, server.address


def start(engine, directory, *, settings=""):
    """Return a store over an engine, not yet started."""
    engine, address = engine
    store = StoreProcess(directory, settings=settings)
    text = store.config_path.read_text()
    embedded = text[: text.index("listener ")]
    match engine:
        case "memory":
            text = text.replace(embedded, 'storage "inmem" {}\n').replace("workers = 2\n", "")
        case "zookeeper":
            options = f'address = "{address}"\n  path = "/{directory.name}"\n  unprotected = true'
            text = text.replace(embedded, f'storage "zookeeper" {{\n  {options}\n}}\n')
    store.config_path.write_text(text)
    return store


@pytest.fixture(scope="module")
def store(engine, tmp_path_factory):
    with start(engine, tmp_path_factory.mktemp("limits")) as process:
        process.initialize(shares=1, threshold=1)
        yield process


@pytest.fixture
def dcos(store):
    return DcosClient(store)


def text(value):
    """Write a value as most clients do: everything beyond ASCII escaped."""
    return json.dumps({"value": value})


@pytest.mark.parametrize(
    ("name", "body", "status"),
    [
        pytest.param("page", bytes(LARGEST_UPLOAD_OF_THE_PAGE), 201, id="786-kib-binary"),
        pytest.param("binary", b"\xff" * MEBIBYTE, 201, id="1-mib-binary"),
        pytest.param("binary-1", b"\xff" * (MEBIBYTE + 1), 413, id="1-mib-and-1-binary"),
        pytest.param("text", text("x" * MEBIBYTE), 201, id="1-mib-text"),
        pytest.param("text-1", text("x" * (MEBIBYTE + 1)), 413, id="1-mib-and-1-text"),
        pytest.param("umlauts", text("\xe9" * (MEBIBYTE // 2)), 201, id="1-mib-of-umlauts-in-ascii"),
        pytest.param("umlauts-1", text("\xe9" * (MEBIBYTE // 2) + "x"), 413, id="1-mib-and-1-of-umlauts"),
        pytest.param("lines", text("\n" * MEBIBYTE), 201, id="1-mib-of-lines"),
        pytest.param("keys", text("\U0001f511" * (MEBIBYTE // 4)), 201, id="1-mib-of-emoji-in-ascii"),
    ],
)
def test_a_mebibyte_is_taken_and_not_a_byte_more(dcos, name, body, status):
    binary = isinstance(body, bytes)
    answer = dcos.secret("PUT", f"size/{name}", body, headers=BINARY if binary else JSON)
    assert answer.status == status, answer.body[:200]
    if status == 413:
        assert answer.json["title"] == "Payload Too Large"
        assert f"at most {MEBIBYTE} bytes" in answer.json["description"]
        assert dcos.secret("GET", f"size/{name}", headers={}).status == 404
    else:
        stored = dcos.secret("GET", f"size/{name}", headers={"Accept": "application/octet-stream"}).body
        assert stored == (body if binary else json.loads(body)["value"].encode())
    answer = dcos.secret("PATCH", f"size/{name}", body, headers=BINARY if binary else JSON)
    assert answer.status == {201: 204, 413: 413}[status]


def test_another_limit_is_that_of_the_configuration(engine, tmp_path):
    for limit in (100, 3 * MEBIBYTE):
        directory = tmp_path / f"limit-{limit}"
        directory.mkdir()
        with start(engine, directory, settings=f"max_secret_size = {limit}") as store:
            store.initialize(shares=1, threshold=1)
            dcos = DcosClient(store)
            assert dcos.secret("PUT", "most", b"\xff" * limit, headers=BINARY).status == 201
            assert dcos.secret("GET", "most", headers={}).body == b"\xff" * limit
            answer = dcos.secret("PUT", "more", b"\xff" * (limit + 1), headers=BINARY)
            assert (answer.status, f"at most {limit} bytes" in answer.json["description"]) == (413, True)
            answer = dcos.secret("PUT", "more", text("x" * (limit + 1)))
            assert (answer.status, f"at most {limit} bytes" in answer.json["description"]) == (413, True)


def test_of_several_that_create_one_name_exactly_one_does(store, dcos):
    everybody = threading.Barrier(CLIENTS)

    def create(number, name):
        everybody.wait(timeout=60)
        return dcos.put(name, f"of client {number}")

    with ThreadPoolExecutor(CLIENTS) as clients:
        for attempt in range(5):
            name = f"race/{attempt}"
            statuses = list(clients.map(create, range(CLIENTS), [name] * CLIENTS, timeout=60))
            assert sorted(statuses) == [201] + [409] * (CLIENTS - 1)
            assert dcos.value(name) == f"of client {statuses.index(201)}"
            metadata = ask(store, "GET", f"/v1/secret/metadata/{name}").json["data"]
            assert metadata["current_version"] == 1


def test_large_secrets_at_once_are_all_kept(dcos):
    bodies = [bytes([number]) * MEBIBYTE for number in range(6)]

    def create(number):
        return dcos.secret("PUT", f"large/{number}", bodies[number], headers=BINARY).status

    with ThreadPoolExecutor(len(bodies)) as clients:
        assert list(clients.map(create, range(len(bodies)), timeout=60)) == [201] * len(bodies)
    for number, body in enumerate(bodies):
        assert dcos.secret("GET", f"large/{number}", headers={}).body == body
