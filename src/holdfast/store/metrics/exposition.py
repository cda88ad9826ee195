"""Metrics in the text form of Prometheus, or as JSON. They tell nothing of what is stored or who asked."""

from collections.abc import Iterator
from typing import NamedTuple

from holdfast.formats.strict_json import encode
from holdfast.store.metrics.tally import OPERATIONS, Tally
from holdfast.store.open_store import OpenStore
from holdfast.version import VERSION

TEXT = "text/plain; version=0.0.4; charset=utf-8"


class Metric(NamedTuple):
    """One number.

    Attributes:
        name: of the metric.
        kind: ``counter`` or ``gauge``.
        meaning: in one sentence.
        value: the number.
        labels: names to values, all of them words of ours.
    """

    name: str
    kind: str
    meaning: str
    value: float
    labels: tuple[tuple[str, str], ...] = ()


def collect(tally: Tally, opened: OpenStore | None) -> Iterator[Metric]:
    """Yield all metrics; of a sealed store those that need no key. Those of one name stand together."""
    yield Metric("holdfast_build_info", "gauge", "The version that runs.", 1, (("version", VERSION),))
    yield Metric("vault_core_unsealed", "gauge", "1 while the store is open.", int(opened is not None))
    yield Metric("holdfast_processes", "gauge", "Processes that answer requests.", tally.rows)
    counts = dict.fromkeys(OPERATIONS, 0)
    for operation, outcome, count in tally.requests():
        counts[operation] += count
        labels = (("operation", operation.value), ("outcome", outcome))
        yield Metric("holdfast_requests_total", "counter", "Requests, by what came of them.", count, labels)
    for operation, count in counts.items():
        yield Metric(
            "holdfast_request_seconds_count",
            "counter",
            "Requests that holdfast_request_seconds_sum is about.",
            count,
            (("operation", operation.value),),
        )
    for operation in OPERATIONS:
        yield Metric(
            "holdfast_request_seconds_sum",
            "counter",
            "Time from a request to its answer, commits included.",
            tally.seconds(operation),
            (("operation", operation.value),),
        )
    if opened is not None:
        keyring = opened.keyring
        yield Metric("holdfast_key_term", "gauge", "Number of the key in use.", keyring.active_term)
        yield Metric(
            "holdfast_key_encryptions", "gauge", "What that key may have encrypted.", keyring.reserved
        )
        for kind, mounts in (("secrets", opened.mounts.mounts), ("auth", opened.auth_mounts.mounts)):
            yield Metric("holdfast_mounts", "gauge", "Mounts.", len(mounts), (("kind", kind),))
        yield from _audit_devices(opened)


def _audit_devices(opened: OpenStore) -> Iterator[Metric]:
    devices = (*opened.facts.audit.configured, *opened.audit_devices)
    fates = {device.name: opened.facts.audit_health.of(device.name) for device in devices}
    for name, (failing, _, _, _) in fates.items():
        yield Metric(
            "holdfast_audit_device_failing",
            "gauge",
            "Processes for which an audit device takes no lines.",
            failing,
            (("device", name),),
        )
    for name, (_, _, failures, _) in fates.items():
        yield Metric(
            "holdfast_audit_failures_total",
            "counter",
            "Writes that an audit device did not take.",
            failures,
            (("device", name),),
        )


def as_text(tally: Tally, opened: OpenStore | None) -> bytes:
    """Return the metrics as Prometheus reads them."""
    lines, last = [], ""
    for metric in collect(tally, opened):
        if metric.name != last:
            last = metric.name
            lines += [f"# HELP {last} {metric.meaning}", f"# TYPE {last} {metric.kind}"]
        labels = ",".join(f'{name}="{value}"' for name, value in metric.labels)
        lines.append(
            f"{metric.name}{{{labels}}} {metric.value}" if labels else f"{metric.name} {metric.value}"
        )
    return ("\n".join(lines) + "\n").encode()


def as_json(tally: Tally, opened: OpenStore | None) -> bytes:
    """Return the metrics as people read them."""
    found: dict[str, list[dict[str, object]]] = {"Gauges": [], "Counters": []}
    for metric in collect(tally, opened):
        place = found["Gauges" if metric.kind == "gauge" else "Counters"]
        place.append({"Name": metric.name, "Value": metric.value, "Labels": dict(metric.labels)})
    return encode(found)
