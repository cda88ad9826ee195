"""The paths of ceremonies, and what is said on each: one table for callers with a token and without one.

With a token the caller needs the ``sudo`` capability, as for everything that concerns the keys. Without one
these paths answer only where a listener was told so, since anybody could disturb a ceremony there.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from holdfast.store import fields
from holdfast.store.ceremonies.commands import (
    CancelRekey,
    CancelRootGeneration,
    CeremonyCommand,
    DeleteShareBackup,
    ReadRekey,
    ReadRootGeneration,
    ReadShareBackup,
    ReadVerification,
    RestartVerification,
    StartRekey,
    StartRootGeneration,
    SubmitNewShare,
    SubmitOldShare,
    SubmitRootShare,
)
from holdfast.store.request import Operation
from holdfast.store.route import Route
from holdfast.store.visit import Visit

Build = Callable[[dict[str, Any]], CeremonyCommand]


def _start_rekey(values: dict[str, Any]) -> CeremonyCommand:
    return StartRekey(
        shares=fields.integer(values, "secret_shares"),
        threshold=fields.integer(values, "secret_threshold"),
        pgp_keys=fields.words(values, "pgp_keys"),
        verify=fields.boolean(values, "require_verification"),
    )


def _start_generation(values: dict[str, Any]) -> CeremonyCommand:
    return StartRootGeneration(otp=fields.text(values, "otp"), pgp_key=fields.text(values, "pgp_key"))


def _share(
    command: type[SubmitOldShare | SubmitNewShare | SubmitRootShare], values: dict[str, Any]
) -> CeremonyCommand:
    return command(share=fields.required_text(values, "key"), nonce=fields.required_text(values, "nonce"))


_READ, _WRITE, _DELETE = Operation.READ, Operation.WRITE, Operation.DELETE

_REKEY: dict[tuple[str, Operation], Build] = {
    ("init", _READ): lambda _: ReadRekey(),
    ("init", _WRITE): _start_rekey,
    ("init", _DELETE): lambda _: CancelRekey(),
    ("update", _WRITE): partial(_share, SubmitOldShare),
    ("verify", _READ): lambda _: ReadVerification(),
    ("verify", _WRITE): partial(_share, SubmitNewShare),
    ("verify", _DELETE): lambda _: RestartVerification(),
    ("backup", _READ): lambda _: ReadShareBackup(),
    ("backup", _DELETE): lambda _: DeleteShareBackup(),
}
_GENERATION: dict[tuple[str, Operation], Build] = {
    ("attempt", _READ): lambda _: ReadRootGeneration(),
    ("attempt", _WRITE): _start_generation,
    ("attempt", _DELETE): lambda _: CancelRootGeneration(),
    ("update", _WRITE): partial(_share, SubmitRootShare),
}

REKEY_PATHS: dict[tuple[str, Operation], Build] = {
    (f"sys/rekey/{name}", operation): build for (name, operation), build in _REKEY.items()
}
GENERATION_PATHS: dict[tuple[str, Operation], Build] = {
    (f"sys/generate-root/{name}", operation): build for (name, operation), build in _GENERATION.items()
}

_PATHS = {
    **REKEY_PATHS,
    **GENERATION_PATHS,
    **{(f"sys/rotate/root/{name}", operation): build for (name, operation), build in _REKEY.items()},
    **{
        (f"sys/generate-root-token/{name}", operation): build
        for (name, operation), build in _GENERATION.items()
    },
}


def _handle(build: Build, visit: Visit) -> CeremonyCommand:
    return build(visit.values)


CEREMONY_ROUTES = tuple(
    Route(path, operation, partial(_handle, build), sudo=True) for (path, operation), build in _PATHS.items()
)
