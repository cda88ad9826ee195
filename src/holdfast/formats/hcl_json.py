"""The JSON notation of an HCL document, brought into the same tree.

JSON has no way to tell a label from an attribute, so the shape decides, at the top level only. An object
there is a block; as long as it holds nothing but objects, its keys are labels, at most two:

    {"path": {"secret/*": {"capabilities": ["read"]}}}      path "secret/*" { capabilities = ["read"] }
    {"listener": [{"tcp": {...}}, {"unix": {...}}]}         listener "tcp" {...}  listener "unix" {...}
    {"telemetry": {"disable_hostname": true}}               telemetry { disable_hostname = true }

Everything further down is an attribute.
"""

from collections.abc import Iterator
from typing import Any

from holdfast.formats.hcl_block import MAX_LABELS, Block


def block_from_json(members: dict[str, Any]) -> Block:
    """Return the document whose top-level JSON object has these members."""
    attributes: dict[str, Any] = {}
    blocks: list[Block] = []
    for name, value in members.items():
        bodies = list(_bodies(value))
        if bodies:
            blocks.extend(Block(type=name, labels=labels, attributes=body) for labels, body in bodies)
        else:
            attributes[name] = value
    return Block(attributes=attributes, blocks=tuple(blocks))


def _bodies(value: Any, labels: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Yield labels and attributes of every block that ``value`` stands for; nothing if it is no block."""
    for item in _objects(value):
        if item and len(labels) < MAX_LABELS and all(_objects(inner) for inner in item.values()):
            for label, inner in item.items():
                yield from _bodies(inner, (*labels, label))
        else:
            yield labels, item


def _objects(value: Any) -> list[dict[str, Any]]:
    """Return an object, or a list of objects, as a list; empty for everything else."""
    items = value if isinstance(value, list) else [value]
    return items if all(isinstance(item, dict) for item in items) else []
