"""The ``cluster`` stanza of a configuration file: this node, and the others over the same storage.

cluster {
node_id = "store-1"
peers   = ["https://store-2:8200", "https://store-3:8200"]
ca_file = "/etc/holdfast/ca.pem"
}
"""

import re
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from holdfast.errors import InvalidInputError
from holdfast.formats.hcl import Block
from holdfast.http.listener import is_loopback
from holdfast.server.config_fields import text

_KNOWN = {"node_id", "peers", "ca_file"}
_NODE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_PEER = re.compile(r"(https?)://(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9_.-]+):([0-9]{1,5})/?")
_MOST_PEERS = 64


@dataclass(frozen=True, slots=True)
class ClusterSettings:
    """This node among others.

    Attributes:
        node_id: its name, different on every node. peers: addresses of the other nodes. They are never read
        from storage: who may write there would collect
            the shares that operators hand in.
        ca_file: whose certificates the peers have; empty for the authorities of the host.
    """

    node_id: str = ""
    peers: tuple[str, ...] = ()
    ca_file: str = ""


def read_cluster(block: Block) -> ClusterSettings:
    """Return the settings that a ``cluster`` stanza describes."""
    given = block.attributes
    unknown = sorted({*given, *(inner.type for inner in block.blocks)} - _KNOWN)
    if unknown or block.labels:
        raise InvalidInputError(f"unknown setting {unknown[0]}" if unknown else "expected no label")
    node_id = text("node_id", given.get("node_id", socket.gethostname()))
    if not _NODE_ID.fullmatch(node_id):
        raise InvalidInputError("node_id: expected up to 64 letters, digits and -_.")
    ca_file = text("ca_file", given["ca_file"]) if "ca_file" in given else ""
    if ca_file and not Path(ca_file).is_file():
        raise InvalidInputError("ca_file: expected a file that exists")
    return ClusterSettings(node_id, _peers(given.get("peers", [])), ca_file)


def _peers(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > _MOST_PEERS:
        raise InvalidInputError(f"peers: expected a list of at most {_MOST_PEERS} addresses")
    peers = []
    for peer in value:
        found = _PEER.fullmatch(peer) if isinstance(peer, str) else None
        if found is None:
            raise InvalidInputError('peers: expected addresses such as "https://store-2:8200"')
        if found[1] == "http" and not is_loopback(found[2].strip("[]")):
            raise InvalidInputError("peers: expected https, because unseal keys travel there")
        peers.append(peer.rstrip("/"))
    if len(set(peers)) < len(peers):
        raise InvalidInputError("peers: expected each address once")
    return tuple(peers)
