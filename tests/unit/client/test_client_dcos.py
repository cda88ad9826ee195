"""The DC/OS clients keep a value's kind, a rid's slashes and a token apart from everything else."""

import json

import pytest

from holdfast import errors
from holdfast.client import DcosClient, DcosValue, IamClient, Subject
from holdfast.model import SecretBytes

TOKEN = "canary-token-value"


@pytest.fixture
def dcos(server):
    client = DcosClient(server.address, TOKEN, timeout_seconds=30)
    yield client
    client.close()


@pytest.fixture
def iam(server):
    client = IamClient(server.address, TOKEN, timeout_seconds=30)
    yield client
    client.close()


@pytest.mark.parametrize(
    ("content_type", "body", "value"),
    [
        pytest.param(
            "application/octet-stream", b"\x00\xff", DcosValue(b"\x00\xff", is_text=False), id="bytes"
        ),
        pytest.param(
            "Application/Octet-Stream; x=y", b"{}", DcosValue(b"{}", is_text=False), id="bytes-like-json"
        ),
        pytest.param("application/json", b'{"value":"a"}', DcosValue(b"a", is_text=True), id="text"),
        pytest.param("", b'{"value":""}', DcosValue(b"", is_text=True), id="nothing-unlabelled"),
    ],
)
def test_the_media_type_tells_the_kind_of_a_value(server, dcos, content_type, body, value):
    server.answer(200, body, headers={"Content-Type": content_type})
    assert dcos.read("a") == value
    assert server.seen[0].headers["accept"] == "*/*"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"<html>", id="page"),
        pytest.param(b"[]", id="list"),
        pytest.param(b"{}", id="no-value"),
        pytest.param(b'{"value":1}', id="number"),
        pytest.param(b'{"value":' + b"[" * 5000, id="depth-bomb"),
    ],
)
def test_an_answer_that_is_no_value_is_never_taken_for_an_empty_one(server, dcos, body):
    server.answer(200, body)
    with pytest.raises(errors.UnavailableError, match="no value"):
        dcos.read("a")


def test_bytes_are_sent_as_they_are(server, dcos):
    server.answer(201, b"{}")
    dcos.create("a", b"\x00{}")
    assert server.seen[0].body == b"\x00{}"
    assert server.seen[0].headers["content-type"] == "application/octet-stream"
    assert server.seen[0].headers["authorization"] == f"token={TOKEN}"


def test_nothing_below_is_an_empty_list_but_an_unknown_store_is_an_error(server, dcos):
    server.answer(200, b'{"array":null}')
    server.answer(404, b'{"description":"the secret does not exist"}')
    assert dcos.list("a") == dcos.list("a") == []
    server.answer(404, b'{"description":"Store not found"}')
    with pytest.raises(errors.NotFoundError, match="Store"):
        dcos.list("a")


def test_a_slash_inside_a_rid_is_encoded_twice_and_the_grant_is_two_calls(server, iam):
    server.answer(409, b'{"code":"ERR_ACL_EXISTS"}')
    server.answer(204)
    assert iam.grant("dcos:secrets:default:/a/*", Subject.USER, "ada@x", "read") is True
    acl = "/acs/api/v1/acls/dcos%3Asecrets%3Adefault%3A%252Fa%252F%2A"
    assert [seen.target for seen in server.seen] == [acl, f"{acl}/users/ada%40x/read"]
    assert server.seen[1].body == b""


def test_what_is_granted_already_is_told_apart(server, iam):
    server.answer(201, b"{}")
    server.answer(409, b'{"code":"ERR_PERMISSION_EXISTS"}')
    assert iam.grant("rid", Subject.GROUP, "team", "full") is False
    server.answer(400, b'{"description":"unknown group"}')
    with pytest.raises(errors.InvalidInputError, match="unknown group"):
        iam.grant("rid", Subject.GROUP, "team", "full")


@pytest.mark.parametrize("body", [b"{}", b'{"token":""}', b'{"token":1}'])
def test_a_login_without_a_token_is_no_login(server, iam, body):
    server.answer(200, body)
    with pytest.raises(errors.UnavailableError):
        iam.log_in("ada", password=SecretBytes(b"p"))
    assert json.loads(server.seen[0].body) == {"uid": "ada", "password": "p"}


def test_neither_client_shows_its_token_and_no_value_itself(iam, dcos):
    assert "canary" not in repr(DcosValue(b"canary", is_text=True))
    for client in (iam, dcos):
        assert TOKEN not in repr(client)
        assert TOKEN not in str(vars(client))
