"""``sys/metrics`` and ``sys/config/state/sanitized``: what operators watch, for a caller with a token."""

from holdfast.errors import InvalidInputError
from holdfast.formats.strict_json import encode
from holdfast.store.metrics.exposition import TEXT, as_json, as_text
from holdfast.store.metrics.tally import Tally
from holdfast.store.open_store import OpenStore
from holdfast.store.request import Answer, Operation
from holdfast.store.route import Route
from holdfast.store.visit import Visit

METRICS = "sys/metrics"


def show_metrics(tally: Tally, opened: OpenStore | None, form: str) -> Answer:
    """Return the metrics in a form: ``prometheus``, or nothing for JSON.

    Raises:
        InvalidInputError: another form is wanted.
    """
    if form == "prometheus":
        return Answer(raw=as_text(tally, opened), media_type=TEXT)
    if form:
        raise InvalidInputError("format: expected prometheus, or none for JSON")
    return Answer(raw=as_json(tally, opened))


def _metrics(visit: Visit) -> Answer:
    return show_metrics(visit.store.facts.tally, visit.store, visit.request.parameter("format") or "")


def _configuration(visit: Visit) -> Answer:
    return Answer(data=encode(dict(visit.store.facts.configuration)))


METRICS_ROUTES = (
    Route(METRICS, Operation.READ, _metrics),
    Route("sys/config/state/sanitized", Operation.READ, _configuration),
)
