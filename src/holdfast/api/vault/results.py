"""What came of several reads in one request: for each what a request of its own would have been told."""

from holdfast.api.vault.errors import status_of, text_of
from holdfast.errors import HoldfastError
from holdfast.formats.strict_json import encode
from holdfast.store.bundle import Answers
from holdfast.store.request import Answer

_RESULT = b'{"path":%b,"status":%d,"data":%b,"errors":%b,"warnings":%b}'
_NULL, _NOTHING = b"null", b"[]"


def results_of(answers: Answers) -> bytes:
    """Return ``{"results": [...]}``, in the order in which they were asked for.

    Data are spliced in as they are, like those of one answer.
    """
    return b'{"results":[%b]}' % b",".join(_result(name, outcome) for name, outcome in answers.outcomes)


def _result(name: str, outcome: Answer | HoldfastError) -> bytes:
    path = encode(name)
    if isinstance(outcome, HoldfastError):
        return _RESULT % (path, status_of(outcome), _NULL, encode([text_of(outcome)]), _NULL)
    warnings = encode(outcome.warnings) if outcome.warnings else _NULL
    return _RESULT % (path, 404 if outcome.missing else 200, outcome.document() or _NULL, _NOTHING, warnings)
