"""Bytes on the wire are those of the OpenStorage SDK: built by hand from its numbers, and compared both ways.

``field_numbers.txt`` says what the SDK has. Nothing here is encoded by a library: tags, varints and lengths
are put together below.
"""

import struct
from pathlib import Path

import pytest
from google.protobuf.descriptor_pool import Default
from google.protobuf.message_factory import GetMessageClass

from holdfast.api.sdk.proto import mountattach_pb2, role_pb2, volume_pb2, volume_types_pb2
from holdfast.api.sdk.rows import ROWS
from holdfast.api.sdk.table import PACKAGE

LINES = [
    line
    for line in (Path(__file__).parent / "field_numbers.txt").read_text().splitlines()
    if not line.startswith("#")
]
FIELDS = [line for line in LINES if not line.startswith("enum ") and " " in line]
ENUMS = [line for line in LINES if line.startswith("enum ")]
VARINT, FIXED64, BYTES = 0, 1, 2
OWN_NUMBERS = 10_000


def varint(number: int) -> bytes:
    number &= (1 << 64) - 1
    out = b""
    while number > 0x7F:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def tag(number: int, wire_type: int) -> bytes:
    return varint(number << 3 | wire_type)


def block(number: int, content: bytes) -> bytes:
    return tag(number, BYTES) + varint(len(content)) + content


TIME = tag(1, VARINT) + varint(1_893_456_000) + tag(2, VARINT) + varint(5)

# type: (value in Python, wire type, content)
SCALARS = {
    "string": ("käse", BYTES, "käse".encode()),
    "bool": (True, VARINT, varint(1)),
    "int32": (-3, VARINT, varint(-3)),
    "int64": (-(1 << 40), VARINT, varint(-(1 << 40))),
    "uint32": (300, VARINT, varint(300)),
    "uint64": (1 << 63, VARINT, varint(1 << 63)),
    "double": (1.5, FIXED64, struct.pack("<d", 1.5)),
}


def message_class(name):
    return GetMessageClass(Default().FindMessageTypeByName(f"{PACKAGE}.{name}"))


def encode(number: int, wire_type: int, content: bytes) -> bytes:
    return block(number, content) if wire_type == BYTES else tag(number, wire_type) + content


def is_enum(name: str) -> bool:
    return any(line.split()[1] == name for line in ENUMS)


def sample(kind: str):
    """Return a value of a type, its wire type and its content; for a message, ``None`` as value."""
    if kind in SCALARS:
        return SCALARS[kind]
    if kind == "google.protobuf.Timestamp":
        return None, BYTES, TIME
    if is_enum(kind):
        return 1, VARINT, varint(1)
    return None, BYTES, b""


@pytest.mark.parametrize("line", FIELDS, ids=lambda line: line.rsplit(" ", 1)[0].replace(" ", "."))
def test_a_field_has_the_number_and_the_form_of_the_sdk(line):
    name, number, field, kind = line.split(" ", 3)
    message = message_class(name)()
    if kind.startswith("map<"):
        key_kind, value_kind = kind[4:-1].split(",")
        key, key_wire, key_content = sample(key_kind)
        value, value_wire, value_content = sample(value_kind)
        entry = encode(1, key_wire, key_content) + encode(2, value_wire, value_content)
        by_hand = block(int(number), entry)
        message.ParseFromString(by_hand)
        content = getattr(message, field)
        assert list(content) == [key]
        assert value is None or content[key] == value
    elif kind.startswith("repeated "):
        value, wire_type, item = sample(kind.removeprefix("repeated "))
        packed = wire_type != BYTES
        by_hand = block(int(number), 2 * item) if packed else 2 * block(int(number), item)
        message.ParseFromString(by_hand)
        assert len(getattr(message, field)) == 2
        assert value is None or list(getattr(message, field)) == [value, value]
    else:
        value, wire_type, content = sample(kind)
        by_hand = encode(int(number), wire_type, content)
        message.ParseFromString(by_hand)
        if value is None:
            assert message.HasField(field)
        else:
            assert getattr(message, field) == value
    assert [descriptor.name for descriptor, _ in message.ListFields()] == [field]
    assert message.SerializeToString(deterministic=True) == by_hand


@pytest.mark.parametrize("line", ENUMS, ids=lambda line: line.split()[1])
def test_an_enum_has_the_words_and_numbers_of_the_sdk(line):
    _, name, *values = line.split()
    kind = Default().FindEnumTypeByName(f"{PACKAGE}.{name}")
    theirs = [value for value in kind.values if value.number < OWN_NUMBERS]
    assert [f"{value.name}={value.number}" for value in theirs] == values


def test_every_field_below_10000_of_a_message_of_the_sdk_is_among_them():
    known = {tuple(line.split(" ")[:3]) for line in FIELDS}
    names = {line.split(" ")[0] for line in LINES}
    checked = 0
    for name in names - {"enum"}:
        for field in message_class(name).DESCRIPTOR.fields:
            if field.number < OWN_NUMBERS:
                assert (name, str(field.number), field.name) in known
                checked += 1
    assert checked == len(FIELDS)


def test_messages_of_served_methods_are_the_sdks_or_stand_beside_it():
    named_by_sdk = {line.split(" ")[0] for line in LINES}
    for row in ROWS:
        for kind in (row.request, row.response):
            name = kind.DESCRIPTOR.name
            assert name in named_by_sdk or not name.startswith("Sdk"), name


def test_our_own_fields_in_their_messages_have_high_numbers():
    own = volume_types_pb2.VolumeSpec(secret_context="team", own_key=True)
    assert own.SerializeToString() == block(10_000, b"team") + tag(10_001, VARINT) + varint(1)


def test_a_whole_request_as_another_client_sends_it():
    spec = (
        tag(2, VARINT) + varint(16 << 20)  # size
        + tag(3, VARINT) + varint(2)  # format: FS_TYPE_EXT4
        + tag(14, VARINT) + varint(1)  # encrypted
        + block(15, b"vol-key")  # passphrase
        + block(33, block(2, block(1, block(1, b"dev") + tag(2, VARINT) + varint(1))))  # acls.groups
    )  # fmt: skip
    body = block(1, b"vol1") + block(2, spec) + block(3, block(1, b"tier") + block(2, b"gold"))
    request = volume_pb2.SdkVolumeCreateRequest.FromString(body)
    assert (request.name, dict(request.labels)) == ("vol1", {"tier": "gold"})
    assert (request.spec.size, request.spec.format) == (16 << 20, volume_types_pb2.FS_TYPE_EXT4)
    assert (request.spec.encrypted, request.spec.passphrase) == (True, "vol-key")
    assert dict(request.spec.ownership.acls.groups) == {"dev": 1}
    assert request.SerializeToString(deterministic=True) == body


def test_a_role_and_an_attach_as_another_client_sends_them():
    rule = block(1, b"volume") + block(2, b"*enumerate*") + block(2, b"inspect*")
    role = block(1, block(1, b"team.reader") + block(2, rule))
    read = role_pb2.SdkRoleCreateRequest.FromString(role).role
    assert (read.name, list(read.rules[0].services), list(read.rules[0].apis)) == (
        "team.reader",
        ["volume"],
        ["*enumerate*", "inspect*"],
    )
    attach = block(1, b"vol1") + block(2, block(1, b"secret") + block(3, b"team"))
    options = mountattach_pb2.SdkVolumeAttachRequest.FromString(attach).options
    assert (options.secret_name, options.secret_context) == ("secret", "team")
