"""The OpenAPI document of the IAM API and the table that requests are served from are of the same paths."""

import json

from tests.support.local_store import StoreUnderTest

from holdfast.api.iam.openapi import PATHS, document
from holdfast.api.iam.rows import ROWS


def test_every_row_is_described_and_nothing_else():
    described = {
        "/".join("<>" if piece.startswith("{") else piece for piece in path.split("/")): set(methods)
        for path, methods in PATHS.items()
    }
    assert described == {path: set(methods) for path, methods in ROWS.items()}


def test_every_shape_is_defined():
    text = document().decode()
    described = json.loads(text)
    named = {piece.split('"')[0] for piece in text.split("#/components/schemas/")[1:]}
    assert named == set(described["components"]["schemas"])


def test_anybody_may_read_it_even_of_a_sealed_store():
    store = StoreUnderTest()
    answer = store.acs("GET", "openapi.json", token="")
    assert (answer.status, answer.body) == (200, document())
    assert store.acs("PUT", "openapi.json", token="").headers["Allow"] == "GET"
