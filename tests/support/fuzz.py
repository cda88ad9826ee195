"""Requests made up from an OpenAPI document, sent to a real store; answers held against the same document."""

from collections.abc import Callable, Mapping

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode, Response
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests.support.store_process import StoreProcess

EXAMPLES = 30
LIMIT_SECONDS = 20.0
NOT_OFFERED, UNAVAILABLE = 501, 503

_CONFORMANCE = [
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]


def read_document(store: StoreProcess, path: str):
    """Return the document that the store itself serves, as schemathesis reads it."""
    schema = schemathesis.openapi.from_url(f"{store.url}{path}", timeout=LIMIT_SECONDS)
    schema.config.update(base_url=store.url + path.removesuffix("/openapi.json"))
    return schema


def fuzz(
    operation,
    store: StoreProcess,
    *,
    mode: GenerationMode,
    token: str,
    known: Mapping[str, str] | None = None,
    after: Callable[[Response], None] = lambda response: None,
    allowed: frozenset[int] = frozenset(),
    examples: int = EXAMPLES,
) -> set[int]:
    """Make up requests for one operation; return the statuses that were seen.

    Args:
        operation: one of a document's.
        store: answers.
        mode: whether requests obey the document or break it.
        token: sent with each; none if empty.
        known: values for parameters of the path, in the place of made-up ones.
        after: is given each response.
        allowed: server errors that count as answers, if the document names them.
        examples: how many requests.
    """
    seen: set[int] = set()
    known = known or {}

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(mode))
    def check(case) -> None:
        case.headers.pop("Authorization", None)
        case.cookies.clear()
        case.path_parameters.update({name: known[name] for name in case.path_parameters if name in known})
        headers = {"Authorization": f"token={token}"} if token else {}
        response = case.call(headers=headers, timeout=LIMIT_SECONDS)
        seen.add(response.status_code)
        after(response)
        assert response.status_code < 500 or response.status_code in allowed, response.text
        case.validate_response(response, checks=_CONFORMANCE)

    check()
    return seen
