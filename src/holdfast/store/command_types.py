"""The closed set of commands that a reader process may send to the writer."""

from typing import Any, Union

import msgspec

from holdfast.store import keeper_commands, key_rotation, system_commands
from holdfast.store.audit import devices as audit_devices
from holdfast.store.audit import headers as audit_headers
from holdfast.store.auth import mount_commands as auth_mount_commands
from holdfast.store.auth import records as auth_records
from holdfast.store.auth.approle import commands as approle_commands
from holdfast.store.auth.jwt import commands as jwt_commands
from holdfast.store.ceremonies import commands as ceremony_commands
from holdfast.store.command import Command
from holdfast.store.cubbyhole import commands as cubbyhole_commands
from holdfast.store.iam import commands as iam_commands
from holdfast.store.iam import login_commands
from holdfast.store.identity import alias_commands, entity_commands, group_commands
from holdfast.store.kv import commands as kv_commands
from holdfast.store.leases import commands as lease_commands
from holdfast.store.namespaces import commands as namespace_commands
from holdfast.store.quotas import commands as quota_commands
from holdfast.store.quotas import lease_commands as lease_quota_commands
from holdfast.store.remount import commands as remount_commands
from holdfast.store.tokens import commands as token_commands
from holdfast.store.tokens.roles import commands as token_role_commands
from holdfast.store.transit import commands as transit_commands
from holdfast.store.wrapping import commands as wrapping_commands


def _leaves(base: type[Command]) -> list[type[Command]]:
    below = base.__subclasses__()
    return [leaf for command in below for leaf in _leaves(command)] if below else [base]


# Importing the modules above is what defines the subclasses; naming them here keeps that visible.
COMMAND_MODULES = (
    alias_commands,
    approle_commands,
    audit_devices,
    audit_headers,
    auth_mount_commands,
    auth_records,
    ceremony_commands,
    cubbyhole_commands,
    entity_commands,
    group_commands,
    iam_commands,
    jwt_commands,
    keeper_commands,
    key_rotation,
    kv_commands,
    lease_commands,
    lease_quota_commands,
    login_commands,
    namespace_commands,
    quota_commands,
    remount_commands,
    system_commands,
    token_commands,
    token_role_commands,
    transit_commands,
    wrapping_commands,
)
COMMAND_TYPES = tuple(sorted(_leaves(Command), key=lambda command: command.__name__))

_decode: Any = msgspec.msgpack.Decoder(Union[COMMAND_TYPES]).decode  # noqa: UP007


def decode_command(frame: bytes) -> Command:
    """Read a frame that ``encode_command`` wrote.

    Raises:
        msgspec.DecodeError: not one of ``COMMAND_TYPES``; a defect of ours.
    """
    command: Command = _decode(frame)
    return command
