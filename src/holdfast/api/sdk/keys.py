"""Where a key is, as a message. No message carries a key itself."""

from holdfast.api.sdk.proto.keys_pb2 import KeyReference
from holdfast.node.records import KeyNote


def key_message(key: KeyNote | None) -> KeyReference | None:
    """Say where a key is; ``None`` for no key."""
    if key is None:
        return None
    return KeyReference(
        provider=key.provider,
        name=key.name,
        namespace=key.namespace,
        version=key.version or 0,
        origin=key.origin.value,
    )
