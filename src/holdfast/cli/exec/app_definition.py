"""A Marathon app definition, as far as it says which secrets an app gets and what is run.

Read are ``id``, ``env``, ``secrets``, ``container.volumes``, and ``args`` or ``cmd``::

    {"id": "/team/app", "cmd": "./serve",
     "env": {"DB_PW": {"secret": "pw"}, "MODE": "prod"},
     "secrets": {"pw": {"source": "team/db/pw"}},
     "container": {"volumes": [{"containerPath": "conf/pw", "secret": "pw"}]}}

Everything else in it is for Marathon. A path in ``containerPath`` is below the secrets directory, which
takes the place of the sandbox. A secret that is defined and not used is not read.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from holdfast.cli.errors import LocalError
from holdfast.cli.exec.binding import Binding, Place, check_variable, make_binding
from holdfast.errors import InvalidInputError
from holdfast.formats import decode_object

MAX_DEFINITION_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class AppDefinition:
    """What an app definition asks for.

    Attributes:
        service_id: the app's id; empty if it has none.
        variables: plain variables and their values.
        bindings: its secrets and their places.
        command: program and arguments; empty if the definition names none.
    """

    service_id: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    bindings: tuple[Binding, ...] = ()
    command: tuple[str, ...] = ()


def read_app_definition(path: Path) -> AppDefinition:
    """Read an app definition from a file.

    Raises:
        LocalError: not a file, not JSON, or not what Marathon accepts.
    """
    with path.open("rb") as file:
        content = file.read(MAX_DEFINITION_BYTES + 1)
    if len(content) > MAX_DEFINITION_BYTES:
        raise LocalError(f"app definition: expected at most {MAX_DEFINITION_BYTES} bytes")
    try:
        return parse_app_definition(decode_object(content, source="app definition").values)
    except InvalidInputError as error:
        raise LocalError(error.message) from None


def parse_app_definition(document: Mapping[str, Any]) -> AppDefinition:
    """Take from an app definition what ``exec`` needs.

    Raises:
        LocalError: a part of it has another shape than Marathon's, or names a secret that it does not define.
    """
    if "containers" in document:
        raise LocalError("app definition: expected one app; this is a pod, which has several containers")
    sources = _sources(_object(document, "secrets"))
    variables: dict[str, str] = {}
    bindings: list[Binding] = []
    for name, value in _object(document, "env").items():
        check_variable(name)
        if isinstance(value, str):
            variables[name] = value
        else:
            source = _resolve(value, sources, f"env.{name}")
            bindings.append(make_binding(Place.VARIABLE, name, source))
    for number, volume in enumerate(_list(_object(document, "container"), "volumes")):
        where = f"container.volumes[{number}]"
        if isinstance(volume, dict) and "secret" in volume:  # the others are not about secrets
            target = _text(volume.get("containerPath"), f"{where}.containerPath")
            bindings.append(make_binding(Place.FILE, target, _resolve(volume, sources, where)))
    return AppDefinition(
        service_id=_text(document.get("id", ""), "id"),
        variables=variables,
        bindings=tuple(bindings),
        command=_command(document),
    )


def _sources(secrets: Mapping[str, Any]) -> dict[str, str]:
    sources = {}
    for name, secret in secrets.items():
        where = f"secrets.{name}.source"
        source = _text(secret.get("source") if isinstance(secret, dict) else None, where)
        if not source:
            raise LocalError(f"app definition: {where}: expected the path of a secret")
        sources[name] = source
    return sources


def _resolve(reference: Any, sources: Mapping[str, str], where: str) -> str:
    name = _text(reference.get("secret") if isinstance(reference, dict) else None, f"{where}.secret")
    if name not in sources:
        raise LocalError(f"app definition: {where}.secret: references an undefined secret")
    return sources[name]


def _command(document: Mapping[str, Any]) -> tuple[str, ...]:
    if args := _list(document, "args"):
        return tuple(_text(word, "args") for word in args)
    line = _text(document.get("cmd", ""), "cmd")
    return ("/bin/sh", "-c", line) if line else ()  # what Marathon itself makes of it


def _object(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = document.get(name, {})
    if not isinstance(value, dict):
        raise LocalError(f"app definition: {name}: expected an object")
    return value


def _list(document: Mapping[str, Any], name: str) -> list[Any]:
    value = document.get(name, [])
    if not isinstance(value, list):
        raise LocalError(f"app definition: {name}: expected an array")
    return value


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise LocalError(f"app definition: {where}: expected a string")
    return value
