"""Request messages as the gateway takes them: JSON objects with the SDK's field names.

An unknown field is refused: a misspelt ``encrypted`` must not make a volume that is not encrypted. Numbers of
64 bits may be written as text, as protocol buffers write them in JSON. Fields that the SDK does not have are
marked as our own.
"""

import re
from typing import TypeVar

import msgspec

from holdfast.errors import InvalidInputError
from holdfast.formats.strict_json import decode_object
from holdfast.policy.ownership import AccessControl, AccessType
from holdfast.policy.roles import Role

MAX_SIZE_DIGITS = 19

_PLACE = re.compile(r" - at `(\$[A-Za-z0-9_.\[\]]*)`$")
_EXPECTED = re.compile(r"^Expected `[a-z |]+`, got `[a-z]+`")


class Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of all messages."""


class PublicAccess(Message, frozen=True):
    """``AccessControl.PublicAccess``; an absent type is ``Read``, the zero of the enum."""

    type: str = "Read"


class Acls(Message, frozen=True):
    """``Ownership.AccessControl``."""

    groups: dict[str, str] = {}
    collaborators: dict[str, str] = {}
    public: PublicAccess | None = None

    def access_control(self) -> AccessControl:
        """Return the list that this message says."""
        return AccessControl(
            groups={name: _access(text) for name, text in self.groups.items()},
            collaborators={name: _access(text) for name, text in self.collaborators.items()},
            public=None if self.public is None else _access(self.public.type),
        )


class OwnershipMessage(Message, frozen=True):
    """``Ownership``. An absent owner is kept as it is, absent acls are cleared."""

    owner: str = ""
    acls: Acls = Acls()


class VolumeSpecMessage(Message, frozen=True):
    """``VolumeSpec``, as far as a volume of one node has one.

    ``passphrase`` names a secret, in spite of its name; ``secret_context`` and ``own_key`` are our own.
    """

    size: int | str = 0
    format: str = "FS_TYPE_EXT4"
    encrypted: bool = False
    passphrase: str = ""
    secret_context: str = ""
    own_key: bool = False
    ownership: OwnershipMessage | None = None


class VolumeCreateRequest(Message, frozen=True):
    """``SdkVolumeCreateRequest``."""

    name: str
    spec: VolumeSpecMessage
    labels: dict[str, str] = {}


class VolumeSpecUpdateMessage(Message, frozen=True):
    """``VolumeSpecUpdate``: what can be changed is who has access."""

    ownership: OwnershipMessage | None = None


class VolumeUpdateRequest(Message, frozen=True):
    """``SdkVolumeUpdateRequest``; the path names the volume."""

    volume_id: str = ""
    labels: dict[str, str] = {}
    spec: VolumeSpecUpdateMessage = VolumeSpecUpdateMessage()


class FilterRequest(Message, frozen=True):
    """``SdkVolumeInspectWithFiltersRequest``."""

    name: str = ""
    labels: dict[str, str] = {}


class AttachOptions(Message, frozen=True):
    """``SdkVolumeAttachOptions``. ``secret_key`` is the older name of the same thing."""

    secret_name: str = ""
    secret_key: str = ""
    secret_context: str = ""


class AttachRequest(Message, frozen=True):
    """``SdkVolumeAttachRequest``."""

    volume_id: str
    options: AttachOptions = AttachOptions()


class DetachOptions(Message, frozen=True):
    """``SdkVolumeDetachOptions``."""

    force: bool = False
    unmount_before_detach: bool = False


class DetachRequest(Message, frozen=True):
    """``SdkVolumeDetachRequest``."""

    volume_id: str
    options: DetachOptions = DetachOptions()


class MountRequest(Message, frozen=True):
    """``SdkVolumeMountRequest`` and ``SdkVolumeUnmountRequest``."""

    volume_id: str
    mount_path: str


class VolumeRequest(Message, frozen=True):
    """A call about one volume and nothing more; our own."""

    volume_id: str


class ImportRequest(Message, frozen=True):
    """Copy a tree into a volume; our own."""

    volume_id: str
    source_path: str


class ExportRequest(Message, frozen=True):
    """Copy a volume's tree out; our own."""

    volume_id: str
    destination_path: str


class RotateKeyRequest(Message, frozen=True):
    """Give a volume another key; our own."""

    volume_id: str
    secret_name: str = ""
    secret_context: str = ""


class DefaultSecretKeyRequest(Message, frozen=True, rename="pascal"):
    """``DefaultSecretKeyRequest`` of the management API; the last two fields are our own."""

    default_secret_key: str
    override: bool = False
    secret_namespace: str = ""
    generate: bool = False


class RotateDefaultSecretKeyRequest(Message, frozen=True, rename="pascal"):
    """Give the cluster-wide key a new version; our own."""

    resume: bool = False


class RoleRequest(Message, frozen=True):
    """``SdkRoleCreateRequest`` and ``SdkRoleUpdateRequest``."""

    role: Role


M = TypeVar("M", bound=Message)


def read_message(body: bytes, kind: type[M]) -> M:
    """Read a request body; an empty one is an empty object.

    Raises:
        InvalidInputError: not strict JSON, a missing or unknown field, or one of another type.
    """
    values = decode_object(body or b"{}").values
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError as error:
        raise InvalidInputError(_explain(error)) from None


def read_size(size: int | str) -> int:
    """Return a size in bytes that may be written as text.

    Raises:
        InvalidInputError: it is no number.
    """
    if isinstance(size, int):
        return size
    if not (size.isascii() and size.isdigit() and len(size) <= MAX_SIZE_DIGITS):
        raise InvalidInputError("spec.size: expected a number of bytes")
    return int(size)


def _access(text: str) -> AccessType:
    return AccessType.parse(text, field="acls")


def _explain(error: msgspec.ValidationError) -> str:
    """Say what was expected and where, without what was sent."""
    if isinstance(error.__cause__, InvalidInputError):
        return error.__cause__.message
    text = str(error)
    place = _PLACE.search(text)
    where = place[1].replace("$", "body", 1) if place else "body"
    if expected := _EXPECTED.match(text):
        return f"{where}: {expected[0].lower().replace('`', '')}"
    if "missing required field" in text:
        return f"{where}: {text.partition(' - at')[0].replace('`', '')}"
    if "unknown field" in text:
        return f"{where}: expected no field that this API does not have"
    return f"{where}: not of the expected form"
