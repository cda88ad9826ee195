"""The command line of the benchmarks; what there is to measure is in the package's text."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from bench import __doc__ as description
from bench import (
    attach,
    expiry,
    growth,
    inprocess,
    load,
    logins,
    report,
    sdk,
    start,
    volume_io,
    volumes,
    weight,
    workload,
    wrk,
)


def main(arguments: list[str] | None = None) -> int:
    """Measure what is asked for and print it."""
    parser = _parser()
    options = parser.parse_args(arguments)
    results, as_table = _measure(options, parser)
    if options.json:
        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(results)) + b"\n")
    else:
        sys.stdout.write(as_table(results) + "\n")
    return 0


def _measure(
    options: argparse.Namespace, parser: argparse.ArgumentParser
) -> tuple[list[Any], Callable[[Any], str]]:
    if bool(options.peer) != bool(options.peer_token):
        parser.error("--peer and --peer-token belong together")
    measure, as_table = _WHAT[options.what]
    return measure(options), as_table


def _load_settings(options: argparse.Namespace, secrets: int) -> load.Settings:
    return load.Settings(
        connections=options.connections,
        seconds=options.duration,
        rounds=options.rounds or 3,
        workers=options.workers,
        audited=options.audit,
        secrets=options.secrets or secrets,
        pinned=options.pin,
        peer_url=options.peer,
        peer_token=options.peer_token,
        peer_ca=options.peer_ca,
        only=tuple(options.only),
    )


def _growth(options: argparse.Namespace) -> list[growth.Size]:
    settings = growth.Settings(
        sizes=tuple(options.sizes),
        connections=options.connections,
        seconds=options.duration,
        starts=options.rounds or 3,
        workers=options.workers,
        audited=options.audit,
    )
    sizes = growth.measure(settings, load.say)
    if options.plot:
        options.plot.write_text(report.growth_plot(sizes))
    return sizes


def _logins(options: argparse.Namespace) -> list[logins.Logins]:
    return logins.measure(options.logins, options.connections, options.workers, load.say)


def _expiry(options: argparse.Namespace) -> list[expiry.Expiry]:
    return expiry.measure(options.tokens, options.connections, options.workers, load.say)


def _volume_io(options: argparse.Namespace) -> volume_io.Settings:
    return volume_io.Settings(
        rounds=max(1, (options.rounds or 5) // 5),
        seconds=options.seconds,
        size=options.megabytes << 20,
        with_qemu=options.qemu,
    )


_WHAT: dict[str, tuple[Callable[[argparse.Namespace], list[Any]], Callable[[Any], str]]] = {
    "load": (
        lambda options: load.measure(_load_settings(options, workload.Workload.secrets)),
        report.contest_table,
    ),
    "memory": (lambda options: weight.measure(_load_settings(options, weight.PER)), report.weight_table),
    "growth": (_growth, report.growth_table),
    "logins": (_logins, report.logins_table),
    "expiry": (_expiry, report.expiry_table),
    "inprocess": (lambda options: inprocess.measure(options.rounds or 9), report.inprocess_table),
    "attach": (lambda options: attach.measure(options.rounds or 15), report.attach_table),
    "sdk": (lambda options: sdk.measure(options.rounds or 9, load.say), report.sdk_table),
    "volumes": (
        lambda options: volumes.measure(options.rounds or 5, options.volumes, _volume_io(options), load.say),
        report.volumes_table,
    ),
    "start": (lambda options: start.measure(options.rounds or 9, options.workers), report.start_table),
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", nargs="?", default="load", choices=_WHAT)
    parser.add_argument("--rounds", type=_positive, help="how often everything is repeated; medians count")
    parser.add_argument("--json", action="store_true", help="print JSON")
    of_load = parser.add_argument_group("load")
    of_load.add_argument("--connections", type=_positive, default=64, help="open connections")
    of_load.add_argument("--duration", type=_positive, default=5, metavar="SECONDS", help="of one run")
    of_load.add_argument("--workers", type=_positive, default=2, help="processes that answer")
    of_load.add_argument("--secrets", type=_positive, help="how many there are")
    names = [scenario.name for scenario in wrk.SCENARIOS]
    of_load.add_argument("--only", nargs="+", default=[], choices=names, help="not all kinds of load")
    of_load.add_argument("--no-audit", dest="audit", action="store_false", help="without an audit file")
    of_load.add_argument(
        "--pin", action="store_true", help="keep servers and load on processors of their own"
    )
    of_load.add_argument("--peer", default="", metavar="URL", help="another server of the Vault API")
    of_load.add_argument("--peer-token", default="", metavar="TOKEN", help="one that may do everything there")
    of_load.add_argument("--peer-ca", default="", metavar="FILE", help="certificate authority of the peer")
    of_growth = parser.add_argument_group("growth, logins and expiry")
    of_growth.add_argument("--sizes", type=_positive, nargs="+", default=growth.SIZES, metavar="SECRETS")
    of_growth.add_argument("--plot", type=Path, metavar="FILE", help="draw the curves of growth as SVG, too")
    of_growth.add_argument("--logins", type=_positive, default=100_000, help="how many")
    of_growth.add_argument("--tokens", type=_positive, default=100_000, help="how many run out")
    of_volumes = parser.add_argument_group("volumes")
    of_volumes.add_argument("--volumes", type=_positive, default=50, help="how many get a new key")
    of_volumes.add_argument("--seconds", type=_positive, default=1, help="of one run of fio")
    of_volumes.add_argument("--megabytes", type=_positive, default=256, help="size of what fio works on")
    of_volumes.add_argument("--no-qemu", dest="qemu", action="store_false", help="without QEMU beside")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("expected a number from 1")
    return number


if __name__ == "__main__":
    sys.exit(main())
