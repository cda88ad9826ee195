"""A small server over the real process model: changes are numbered by the writer, the key is any bytes.

    POST /change      body -> "<number> <body>"; the change counter moves
    POST /key         body becomes the key of all workers (empty seals)
    POST /crash       the writer ends as if a disk had failed
    GET  /state       "<pid> <key or -> <change counter>"
    POST /stop        the supervisor gets the signal in the body; answered 0.3 seconds later

Run as a program: ``process_model.py PORT WORKERS LOG GRACE``, the last in seconds. It prints
``ready`` when all workers listen.
"""

import asyncio
import logging
import os
import signal
import sys
from pathlib import Path

import uvloop

from holdfast.http import HttpServer, build_response
from holdfast.server.children import WorkerContext, WriterContext
from holdfast.server.link import WriterLink
from holdfast.server.supervisor import run_server
from holdfast.server.writer_loop import WriterLoop

KEY_PREFIX = b"/key "
KEY_SECONDS = 3.0  # a busy machine may keep a worker from taking a key for a while
STUBBORN_KEY = b"stubborn"  # worker 0 hangs while exchanging another key for this one


def write(context: WriterContext) -> None:
    key = None
    number = 0

    def apply(changes):
        nonlocal key, number
        answers = []
        for change in changes:
            if change == b"/crash":
                raise OSError("fsync failed")
            if change.startswith(KEY_PREFIX):
                key = change.removeprefix(KEY_PREFIX) or None
                loop.broadcast(key or b"", timeout_seconds=KEY_SECONDS)
                answers.append(b"taken")
                continue
            number += 1
            context.counter.bump()
            answers.append(b"%d %b" % (number, change))
        return answers

    loop = WriterLoop(context.control, apply=apply, current_key_message=lambda: key)
    loop.obey_signals()
    context.announce_ready()
    loop.run()


class Worker:
    def __init__(self, context: WorkerContext, port: int) -> None:
        self.context = context
        self.port = port
        self.key = b""
        self.link = WriterLink(
            context.frames, context.keys, on_key_message=self.take_key, on_writer_lost=self.leave
        )
        self.stopped: asyncio.Event | None = None

    def take_key(self, message: memoryview) -> None:
        if self.key and bytes(message) == STUBBORN_KEY and self.context.index == 0:
            os.kill(os.getpid(), signal.SIGSTOP)
        self.key = bytes(message)

    def leave(self) -> None:
        os._exit(0)

    def handle(self, request, reply) -> None:
        if request.target == b"/state":
            state = b"%d %b %d" % (os.getpid(), self.key or b"-", self.context.counter.read())
            reply(build_response(200, state))
        elif request.target == b"/stop":
            os.kill(os.getppid(), int(request.body))
            asyncio.get_running_loop().call_later(0.3, reply, build_response(200, b"at last"))
        else:
            change = b"/crash" if request.target == b"/crash" else request.body
            if request.target == b"/key":
                change = KEY_PREFIX + request.body
            self.link.submit(change, lambda answer: reply(build_response(200, answer)))

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        stopped = asyncio.Event()
        loop.add_signal_handler(signal.SIGTERM, stopped.set)
        loop.add_signal_handler(signal.SIGHUP, logging.getLogger("holdfast").warning, "reloaded")
        self.link.attach(loop)
        server = HttpServer(self.handle)
        await server.listen_tcp("127.0.0.1", self.port, reuse_port=True)
        self.context.announce_ready()
        await stopped.wait()
        await server.stop(5)


def work(context: WorkerContext, port: int) -> None:
    worker = Worker(context, port)
    worker.link.wait_for_key_state(5)
    uvloop.run(worker.run())


def main() -> int:
    port, worker_count, grace_seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[4])
    logging.basicConfig(filename=Path(sys.argv[3]), format="%(message)s")
    return run_server(
        worker_count=worker_count,
        writer_main=write,
        worker_main=lambda context: work(context, port),
        on_ready=lambda: print("ready", flush=True),
        grace_seconds=grace_seconds,
    )


if __name__ == "__main__":
    sys.exit(main())
