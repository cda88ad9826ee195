"""Prove the cluster for longer than the test suite does, and print the figures.

    python -m tests.cluster [--seconds N] [--seed N] [--measurements N]

Three ZooKeeper servers and three stores, all real processes on this machine; callers at all of them, while
servers and stores are killed and frozen at random. Exits with 1 if an acknowledged write was lost, if what
callers were told cannot be explained by one register for each key, or if a store reported damage.
"""

import argparse
import secrets
import statistics
import sys
import tempfile
from pathlib import Path

from tests.cluster.proof import Verdict, run


def main() -> int:
    """Run it; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.cluster", description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=300, help="how long to strike (default 300)")
    parser.add_argument("--seed", type=int, default=None, help="of the strikes (default: a new one)")
    parser.add_argument("--measurements", type=int, default=5, help="kills that are timed (default 5)")
    options = parser.parse_args()
    seed = secrets.randbelow(1 << 31) if options.seed is None else options.seed
    print(f"seed {seed}, {options.seconds:.0f} s", flush=True)
    with tempfile.TemporaryDirectory(prefix="holdfast-cluster-") as directory:
        verdict = run(Path(directory), seconds=options.seconds, seed=seed, measurements=options.measurements)
    print(table(verdict))
    return 0 if verdict.is_good else 1


def table(verdict: Verdict) -> str:
    """Return a verdict as people read it."""
    rows = [("struck for", f"{verdict.seconds:.0f} s")]
    rows += [(what, str(count)) for what, count in sorted(verdict.strikes.items())]
    rows += [("", "")]
    rows += [(what, str(count)) for what, count in sorted(verdict.outcomes.items())]
    done = sum(count for what, count in verdict.outcomes.items() if what.endswith("done"))
    rows += [("done a second, all in all", f"{done / max(1.0, verdict.called_seconds):.0f}"), ("", "")]
    keys = len(verdict.calls_of_key)
    rows += [
        (
            "keys with a linearizable history",
            f"{keys - len(verdict.not_linearizable + verdict.undecided)} of {keys}",
        ),
        ("acknowledged secrets that were lost", f"{len(verdict.lost)} of {verdict.acknowledged}"),
        ("unexpected answers", str(len(verdict.unexpected))),
        ("lines about damage in the logs", str(len(verdict.trouble))),
        ("", ""),
        ("writes at every node after kill -9 of the leader", spread(verdict.leader_killed)),
        ("writes at the others after kill -9 of a store", spread(verdict.store_killed_others)),
        ("writes at that store, restarted and unsealed", spread(verdict.store_killed_itself)),
    ]
    lines = [f"{what:<52} {figure}".rstrip() for what, figure in rows]
    lines += [f"NOT LINEARIZABLE: {key}" for key in verdict.not_linearizable]
    lines += [f"undecided: {key}" for key in verdict.undecided]
    lines += verdict.unexpected[:20] + verdict.trouble[:20]
    return "\n".join(lines)


def spread(seconds: list[float]) -> str:
    """Return median and extremes."""
    if not seconds:
        return "not measured"
    middle, low, high = statistics.median(seconds), min(seconds), max(seconds)
    return f"{middle:.2f} s ({low:.2f} to {high:.2f} s, {len(seconds)} times)"


if __name__ == "__main__":
    sys.exit(main())
