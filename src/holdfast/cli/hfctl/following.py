"""Work that a node does by itself, looked on at until it is over; Ctrl-C ends the looking on alone."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from holdfast.cli.output import remark
from holdfast.cli.ticker import Ticker

ASK_SECONDS = 0.5


def follow(
    ask: Callable[[], dict[str, Any]],
    *,
    is_over: Callable[[dict[str, Any]], bool],
    text: Callable[[dict[str, Any]], str],
    goes_on: str,
) -> dict[str, Any]:
    """Return what the node says of some work once that is over; say now and then how far it is.

    Args:
        ask: returns what the node says now.
        is_over: whether that was the last word.
        text: how far it is, in words.
        goes_on: what to tell somebody who looks on no longer.
    """
    ticker = Ticker()
    try:
        while not is_over(found := ask()):
            ticker.say(partial(text, found))
            time.sleep(ASK_SECONDS)
    except KeyboardInterrupt:
        remark(goes_on)
        raise
    finally:
        ticker.finish()
    return found
