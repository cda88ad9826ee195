"""The description of the REST side says what is served: every route, and shapes that real answers have."""

import asyncio
import json
import re

import jsonschema_rs
import pytest
from google.protobuf.json_format import MessageToDict
from google.protobuf.message_factory import GetMessageClass
from tests.support.node_under_test import new_node, release

from holdfast.api.sdk.calls import Calls
from holdfast.api.sdk.dialect import SdkDialect
from holdfast.api.sdk.openapi import document
from holdfast.api.sdk.rows import ROWS
from holdfast.http.message import Request

DOCUMENT = json.loads(document())


@pytest.fixture
def get(tmp_path):
    under_test = new_node(tmp_path)
    dialect = SdkDialect(Calls(under_test.node))

    def send(path, token=None, method="GET"):
        headers = {} if token is None else {b"authorization": b"bearer " + token.encode()}
        request = Request(method, path.encode(), headers, b"", "127.0.0.1:9", asyncio.Transport())
        head, _, body = dialect.answer(request).partition(b"\r\n\r\n")
        return int(head.split()[1]), head.decode(), body

    send.t = under_test
    yield send
    dialect.close()
    release(under_test)


def test_every_route_is_described_and_nothing_else():
    described = {(verb, path) for path, verbs in DOCUMENT["paths"].items() for verb in verbs}
    assert described == {(route.verb.lower(), f"/{route.path}") for row in ROWS for route in row.routes}


def test_every_shape_is_defined_and_used():
    named = set(re.findall(r"#/components/schemas/([A-Za-z0-9_.]+)", json.dumps(DOCUMENT)))
    assert named == set(DOCUMENT["components"]["schemas"])


def test_what_is_served_has_a_summary():
    for row in ROWS:
        assert bool(row.summary) == row.served, row.api


def filled(kind, depth=3):
    """Return a message with every field set that can be set at once, as deep as it goes."""
    message = kind()
    for field in message.DESCRIPTOR.fields:
        value = {8: True, 9: "x", 12: b"x"}.get(field.type, 7)
        if field.enum_type is not None:
            value = field.enum_type.values[-1].number
        if field.message_type is None:
            setattr(message, field.name, value) if not field.is_repeated else getattr(
                message, field.name
            ).append(value)
        elif depth and not field.message_type.GetOptions().map_entry:
            part = filled(GetMessageClass(field.message_type), depth - 1)
            place = getattr(message, field.name)
            place.add().CopyFrom(part) if field.is_repeated else place.CopyFrom(part)
    return message


@pytest.mark.parametrize("row", [row for row in ROWS if not row.streams], ids=lambda row: str(row.api))
def test_answers_and_requests_have_the_described_shape(row):
    for kind in (row.request, row.response):
        name = kind.DESCRIPTOR.full_name.removeprefix("openstorage.api.")
        if name not in DOCUMENT["components"]["schemas"]:
            continue  # a request that travels in path and query, an answer that is never given
        schema = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
        for message in (kind(), filled(kind)):
            jsonschema_rs.validate(schema, MessageToDict(message, preserving_proto_field_name=True))
        with pytest.raises(jsonschema_rs.ValidationError):
            jsonschema_rs.validate(schema, {"no_such_field": 1})


def test_the_description_is_for_those_who_may_ask(get):
    assert get("/swagger.json")[0] == 403
    assert get("/swagger.json", "a.b.c")[0] == 401
    status, _, body = get("/swagger.json", get.t.token("alice"))
    assert (status, json.loads(body)) == (200, DOCUMENT)
    assert get.t.sink.lines[-1]["api"] == "identity.describe"


def test_counts_are_for_those_who_may_ask(get):
    alice, viewer = get.t.token("alice"), get.t.token("eve", roles=("system.view",))
    get("/v1/identities/version", alice)
    get("/v1/identities/version", "a.b.c")
    assert get("/metrics")[0] == 403
    assert get("/metrics", alice)[0] == 403
    status, head, body = get("/metrics", viewer)
    assert status == 200
    assert "text/plain; version=0.0.4" in head
    lines = body.decode().splitlines()
    assert 'holdfast_sdk_calls_total{service="Identity",method="Version",code="OK"} 1' in lines
    assert 'holdfast_sdk_calls_total{service="Identity",method="Version",code="UNAUTHENTICATED"} 1' in lines
    assert 'holdfast_sdk_calls_total{service="Metrics",method="Status",code="PERMISSION_DENIED"} 2' in lines


def test_the_page_says_nothing_and_runs_nothing_but_itself(get):
    status, head, body = get("/sdk/")
    assert status == 200
    assert "default-src 'none'" in head
    assert "unsafe" not in head
    assert b"Volume" not in body
    assert get("/sdk/", method="POST")[0] == 404
