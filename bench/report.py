"""Results as text for people, and as JSON for programs."""

import re
from collections.abc import Iterable, Sequence

from bench.attach import Timing
from bench.contest import Result
from bench.expiry import Expiry
from bench.figure import Figure
from bench.growth import LISTED_NAMES, Size
from bench.inprocess import Measurement
from bench.logins import Logins
from bench.plot import Curve, Panel, draw
from bench.start import Start
from bench.volume_io import Speed
from bench.volumes import Volumes
from bench.weight import Weight

_MEGABYTE = 1_000_000
NOTHING = "-"  # a figure that cannot be known

_FIGURE = re.compile(r"[\d.,%]+|-")


def contest_table(results: Iterable[Result]) -> str:
    """Return the table of a contest."""
    head = (
        *("load", "server", "req/s", "p50 ms", "p99 ms", "p99.9 ms", "CPU us", "errors"),
        *("others", "of bound", "of peer", "p99 of peer"),
    )
    rows = [
        (
            result.scenario,
            result.server,
            f"{result.rate:,.0f}",
            f"{result.p50_ms:.2f}",
            f"{result.p99_ms:.2f}",
            f"{result.p999_ms:.2f}",
            _number(result.cpu_us, ".1f"),
            str(result.errors),
            _number(result.disturbance, ".0%"),
            _number(result.of_bound, ".2f"),
            _number(result.of_peer, ".2f"),
            _number(result.p99_of_peer, ".2f"),
        )
        for result in results
    ]
    return table(head, rows)


def inprocess_table(measurements: Iterable[Measurement]) -> str:
    """Return the table of the in-process benchmark."""
    rows = [(each.name, f"{each.microseconds:.2f}", f"{each.ratio:.2f}") for each in measurements]
    return table(("request", "CPU us", "of parser"), rows)


def attach_table(timings: Iterable[Timing]) -> str:
    """Return the table of the attach benchmark."""
    rows = [
        (each.name, f"{each.attach_ms:.1f}", f"{each.slowest_attach_ms:.1f}", f"{each.detach_ms:.1f}")
        for each in timings
    ]
    return table(("volume", "attach ms", "slowest", "detach ms"), rows)


def start_table(starts: Iterable[Start]) -> str:
    """Return the table of the start benchmark."""
    rows = [
        (each.name, *(f"{ms:.0f}" for ms in (each.ready_ms, each.fastest_ms, each.slowest_ms, each.cpu_ms)))
        for each in starts
    ]
    return table(("process", "ready ms", "fastest", "slowest", "CPU ms"), rows)


def growth_table(sizes: Iterable[Size]) -> str:
    """Return the table of the growth benchmark."""
    head = (
        *("secrets", "filled/s", "ready ms", "reads/s", "p50 ms", "p99 ms", "CPU us", "list p50 ms"),
        *("list p99 ms", "memory MB", "own MB", "storage MB", "errors", "others"),
    )
    rows = [
        (
            f"{each.secrets:,}",
            f"{each.filled:,.0f}",
            f"{each.ready_ms:,.0f}",
            f"{each.rate:,.0f}",
            f"{each.p50_ms:.2f}",
            f"{each.p99_ms:.2f}",
            f"{each.cpu_us:.1f}",
            f"{each.list_p50_ms:.2f}",
            f"{each.list_p99_ms:.2f}",
            _megabytes(each.memory_bytes),
            _megabytes(each.own_bytes),
            _megabytes(each.storage_bytes),
            str(each.errors),
            f"{each.disturbance:.0%}",
        )
        for each in sizes
    ]
    return table(head, rows)


def growth_plot(sizes: Sequence[Size]) -> str:
    """Return the curves of the growth benchmark as SVG."""
    times = Panel(
        "milliseconds",
        (
            Curve("read, median", [each.p50_ms for each in sizes]),
            Curve("read, p99", [each.p99_ms for each in sizes]),
            Curve(f"list {LISTED_NAMES:,}", [each.list_p50_ms for each in sizes]),
            Curve("ready", [each.ready_ms for each in sizes]),
        ),
    )
    room = Panel(
        "megabytes",
        (
            Curve("storage", [each.storage_bytes / _MEGABYTE for each in sizes]),
            Curve("memory", [each.memory_bytes / _MEGABYTE for each in sizes]),
            Curve("without files", [each.own_bytes / _MEGABYTE for each in sizes]),
        ),
    )
    return draw([each.secrets for each in sizes], (times, room), unit="secrets")


def logins_table(results: Iterable[Logins]) -> str:
    """Return the table of the logins benchmark."""
    rows = [
        (
            f"{each.logins:,}",
            f"{each.rate:,.0f}",
            f"{each.p50_ms:.2f}",
            f"{each.p99_ms:.2f}",
            str(each.errors),
            f"{each.storage_before:,}",
            f"{each.storage_after:,}",
        )
        for each in results
    ]
    head = ("logins", "per s", "p50 ms", "p99 ms", "errors", "bytes before", "bytes after")
    return table(head, rows)


def expiry_table(results: Iterable[Expiry]) -> str:
    """Return the table of the expiry benchmark."""
    rows = [
        (
            f"{each.tokens:,}",
            f"{each.made:,.0f}",
            f"{each.cleared:,.0f}",
            _megabytes(each.storage_with),
            _megabytes(each.storage_after),
            f"{each.p50_ms:.2f}",
            f"{each.quiet_p50_ms:.2f}",
            f"{each.p99_ms:.2f}",
            f"{each.quiet_p99_ms:.2f}",
        )
        for each in results
    ]
    head = (
        "tokens",
        "made per s",
        "cleared per s",
        "MB with",
        "MB after",
        "p50 ms",
        "quiet",
        "p99 ms",
        "quiet",
    )
    return table(head, rows)


def sdk_table(figures: Iterable[Figure]) -> str:
    """Return the table of the benchmark of the storage node's SDK."""
    rows = [
        (
            each.what,
            each.unit,
            f"{each.measured:,.2f}",
            f"{each.beside:,.2f}" if each.beside else NOTHING,
            f"{each.ratio:.2f}" if each.ratio else NOTHING,
            each.goal or NOTHING,
        )
        for each in figures
    ]
    return table(("what", "unit", "measured", "beside", "ratio", "goal"), rows)


def volumes_table(results: Iterable[Volumes]) -> str:
    """Return the tables of the benchmark of volumes."""
    return "\n\n".join(f"{sdk_table(each.figures)}\n\n{_speed_table(each.speeds)}" for each in results)


def _speed_table(speeds: Iterable[Speed]) -> str:
    rows = [
        (
            each.pattern.name,
            each.target,
            f"{each.rate:,.0f}",
            *(
                f"{ratio:.2f}" if ratio else NOTHING
                for ratio in (each.of_file, each.of_direct, each.of_cryptsetup, each.of_nbd)
            ),
        )
        for each in speeds
    ]
    beside = ("of file", "of direct", "of cryptsetup", "of qemu-nbd")
    return table(("load", "target", "MB or requests/s", *beside), rows)


def weight_table(weights: Iterable[Weight]) -> str:
    """Return the table of the memory benchmark."""
    rows = [
        (
            each.server,
            f"{each.secrets:,}",
            *(_megabytes(size) for size in (each.before, each.after, each.own_after, each.per_100_000)),
        )
        for each in weights
    ]
    return table(("server", "secrets", "before MB", "after MB", "without files MB", "MB per 100,000"), rows)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return rows in columns: texts to the left, columns of figures to the right."""
    columns = list(zip(head, *rows, strict=True))
    aligned = [_align(column) for column in columns]
    return "\n".join("  ".join(line).rstrip() for line in zip(*aligned, strict=True))


def _align(column: Sequence[str]) -> list[str]:
    width = max(map(len, column))
    _, *cells = column
    if all(_FIGURE.fullmatch(cell) for cell in cells):
        return [cell.rjust(width) for cell in column]
    return [cell.ljust(width) for cell in column]


def _megabytes(size: float) -> str:
    return f"{size / _MEGABYTE:,.1f}"


def _number(value: float | None, form: str) -> str:
    return NOTHING if value is None else format(value, form)
