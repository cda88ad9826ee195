"""A storage node for the benchmark of the SDK, in a process of its own.

    python -m bench.sdk_node DIRECTORY gated    a node as it is
    python -m bench.sdk_node DIRECTORY open     the same without the first two gates and without the audit log

The second is what a server would be that lets everybody in. Everything else is the same: table, handlers,
access log, counts.
"""

import logging
import os
import signal
import sys
from pathlib import Path
from typing import Any

from holdfast.api.sdk.calls import Calls
from holdfast.api.sdk.grpc.grpc_server import GrpcServer
from holdfast.model.principal import GUEST
from holdfast.node.api import Admission, Api
from holdfast.node.node import Node
from holdfast.noded.assembly import open_node
from holdfast.noded.config import read_config
from holdfast.noded.options import NodeOptions


class OpenNode:
    """A node that admits everybody to everything, and writes nothing down."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def __getattr__(self, name: str) -> Any:
        return getattr(self._node, name)

    def admit(self, _: str | None, api: Api, *, peer: str, correlation: str, request: str) -> Admission:
        return Admission(GUEST, api, request, peer, correlation)


def main() -> None:
    directory, kind = Path(sys.argv[1]), sys.argv[2]
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    config = directory / f"{kind}.json"
    config.write_text("{}")  # and not what this host has in its place
    options = NodeOptions(storage=str(directory / kind), jwt_issuer="bench", config=str(config))
    with open_node(read_config(options, os.environ), backend="auto") as opened:
        node: Any = opened.node if kind == "gated" else OpenNode(opened.node)
        server = GrpcServer(Calls(node))
        print(server.listen("127.0.0.1", 0), flush=True)
        signal.sigwait({signal.SIGTERM, signal.SIGINT})
        server.stop(1)


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    main()
