"""The bound: our own listener answering every request with the same bytes, as one worker process.

What a worker of the store could do at most if it only received requests and sent answers. Started as often
as the store has workers; they share the address as those do.

    python -m bench.constant PORT
"""

import asyncio
import signal
import sys

import uvloop

from holdfast.http import HttpServer, build_response

ANSWER = build_response(200, b'{"data":"' + b"x" * 390 + b'"}')  # as many bytes as the answer to a read


async def _serve(port: int) -> None:
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    server = HttpServer(lambda _request, reply: reply(ANSWER))
    await server.listen_tcp("127.0.0.1", port, reuse_port=True)
    await stopping.wait()
    await server.stop(1.0)


if __name__ == "__main__":
    uvloop.install()
    asyncio.run(_serve(int(sys.argv[1])))
