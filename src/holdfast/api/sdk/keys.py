"""Where a key is, as a message. No message carries a key itself."""

from holdfast.api.sdk.proto.keys_pb2 import KeyReference
from holdfast.node.inventory.records import KeyNote
from holdfast.volumes import key_reference


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


def reference_message(reference: key_reference.KeyReference) -> KeyReference:
    """Say where a key is, as a volume's header says it: without whose it is."""
    return KeyReference(
        provider=reference.provider,
        name=reference.path,
        namespace=reference.namespace,
        version=reference.version or 0,
    )
