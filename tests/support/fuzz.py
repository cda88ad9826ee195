"""Requests made up from an OpenAPI document, sent to a real store; answers held against the same document."""

from collections.abc import Callable, Mapping
from typing import Any

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
LIMIT_SECONDS = 60.0  # a disk that others keep busy holds a write up for many seconds
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


def with_dcos_token(token: str) -> dict[str, str]:
    """Return the headers that carry a token in the APIs of DC/OS."""
    return {"Authorization": f"token={token}"} if token else {}


def with_vault_token(token: str) -> dict[str, str]:
    """Return the headers that carry a token in the Vault API."""
    return {"X-Vault-Token": token} if token else {}


def fuzz(
    operation,
    store: StoreProcess,
    *,
    mode: GenerationMode,
    token: str,
    carry: Callable[[str], dict[str, str]] = with_dcos_token,
    known: Mapping[str, str] | None = None,
    fields: Mapping[str, Any] | None = None,
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
        carry: returns the headers for the token.
        known: values for parameters of the path, in the place of made-up ones.
        fields: values for fields of the body, in the place of made-up ones.
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
        case.headers.pop("X-Vault-Token", None)
        if fields and isinstance(case.body, dict):
            case.body.update({name: fields[name] for name in case.body if name in fields})
        response = case.call(headers=carry(token), timeout=LIMIT_SECONDS)
        seen.add(response.status_code)
        after(response)
        assert response.status_code < 500 or response.status_code in allowed, response.text
        case.validate_response(response, checks=_CONFORMANCE)

    check()
    return seen
