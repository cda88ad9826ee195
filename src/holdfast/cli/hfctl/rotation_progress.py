"""A word now and then about how many volumes have their new key, while the node works through them."""

import threading
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from holdfast.cli.hfctl.connection import node_client
from holdfast.cli.ticker import Ticker
from holdfast.errors import HoldfastError

ASK_SECONDS = 1.0


@contextmanager
def rotation_progress(arguments: Namespace) -> Iterator[None]:
    """Ask the node how far it is, and say so on standard error, for the length of a block."""
    over = threading.Event()
    asking = threading.Thread(target=_ask, args=(arguments, over), daemon=True)
    asking.start()
    try:
        yield
    finally:
        over.set()
        asking.join(timeout=2 * ASK_SECONDS)


def _ask(arguments: Namespace, over: threading.Event) -> None:
    ticker = Ticker()
    while not over.wait(ASK_SECONDS):
        try:
            status = node_client(arguments).request("GET", "cluster/secrets/rotationstatus")
        except HoldfastError:
            break  # who may rotate and not ask is left without a word; the rotation itself tells its errors
        if status.get("running"):
            ticker.say(lambda status=status: _text(status))  # type: ignore[misc]
    ticker.finish()


def _text(status: dict[str, Any]) -> str:
    moved, left = status.get("moved", 0), status.get("left", 0)
    kept = f", {left} keep the old one" if left else ""
    return f"{moved + left} of {status.get('total', 0)} volumes done{kept}"
