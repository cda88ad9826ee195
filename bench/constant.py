"""The bound: our own listener answering every request with the same bytes, in as many processes as the store has workers.

What a store could answer at most if it did nothing but receive requests and send answers.
"""

import argparse
import asyncio
import os
import signal

import uvloop

from holdfast.http import Listener, build_response

BODY = b'{"request_id":"","data":{"data":{"constant":"' + b"x" * 320 + b'"}}}\n'


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    children = []
    for _ in range(arguments.workers - 1):
        child = os.fork()
        if not child:
            break
        children.append(child)
    else:
        signal.signal(signal.SIGTERM, lambda *_: [os.kill(child, signal.SIGTERM) for child in children] and os._exit(0))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(arguments.port))


async def _serve(port: int) -> None:
    answer = build_response(200, BODY)
    await Listener.tcp("127.0.0.1", port, lambda _request, reply: reply(answer))
    await asyncio.Event().wait()


if __name__ == "__main__":
    main()
