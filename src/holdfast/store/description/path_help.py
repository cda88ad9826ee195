"""``GET <path>?help=1``: what the store says about one of its paths, for people at a command line.

It is the OpenAPI document once more, cut down to one path, or to all that is below a mount; so a caller reads
nothing here that he does not read there, and nothing here can be out of date.
"""

import re
from functools import partial
from typing import Any

from msgspec import json

from holdfast.errors import NotFoundError
from holdfast.formats.strict_json import encode
from holdfast.store.request import Answer

HELP = "sys/internal/help/"
_NAME = re.compile(r"\\{(\w+)\\}")
_VERBS = {"get": "read", "post": "write", "patch": "patch", "delete": "delete"}


def explain_path(document: Answer, path: str) -> Answer:
    """Cut the OpenAPI document down to a path.

    Args:
        document: what the caller may see of it.
        path: as a request has it, without ``/v1/``.

    Raises:
        NotFoundError: no path of the store looks like this.
    """
    whole = json.decode(document.raw or b"{}")
    path = "/" + path.strip("/")
    found = _matching(whole["paths"], path)
    if found:
        text = "\n\n".join(_describe(path, name, item) for name, item in found.items())
    else:
        below = {name: item for name, item in whole["paths"].items() if name.startswith(path + "/")}
        if not below:
            raise NotFoundError("no path of this store looks like this")
        found, text = below, _list(path, below)
    return Answer(raw=encode({"help": text, "see_also": None, "openapi": {**whole, "paths": found}}))


def _matching(paths: dict[str, Any], path: str) -> dict[str, Any]:
    """Return the paths that this one can be, where a name stands for one segment; else for any number."""
    for segments in ("[^/]+", ".+"):
        found = {}
        for template, item in paths.items():
            pattern = _NAME.sub(partial(_stand_in, segments), re.escape(template))
            if re.fullmatch(pattern, path, re.DOTALL):
                found[template] = item
        if found:
            return found
    return {}


def _stand_in(segments: str, name: re.Match[str]) -> str:
    return ".+" if name[1] == "path" else segments


def _describe(path: str, template: str, item: dict[str, Any]) -> str:
    lines = [f"Request:        {path[1:]}", f"Matching Route: {template[1:]}"]
    for method, operation in item.items():
        lines += ["", f"## {_VERBS.get(method, method).upper()}", ""]
        lines.append(f"    {operation.get('summary') or method}")
        if operation.get("x-vault-sudo"):
            lines.append("    Needs the capability sudo as well.")
        if operation.get("x-vault-unauthenticated"):
            lines.append("    Needs no token.")
        for name, schema in _fields(operation).items():
            lines += ["", f"    {name} ({schema.get('type', 'any')})"]
            lines += [f"        {schema['description']}"] if schema.get("description") else []
    return "\n".join(lines)


def _fields(operation: dict[str, Any]) -> dict[str, dict[str, Any]]:
    fields = {
        parameter["name"]: {"description": parameter.get("description", ""), **parameter["schema"]}
        for parameter in operation.get("parameters", [])
    }
    for media in operation.get("requestBody", {}).get("content", {}).values():
        fields |= media["schema"].get("properties", {})
    return fields


def _list(path: str, below: dict[str, Any]) -> str:
    lines = ["## PATHS", "", f"Below {path[1:]}/ there is:"]
    for name, item in below.items():
        summaries = [operation.get("summary") for operation in item.values()]
        lines += ["", f"    {name[1:]}", *(f"        {summary}" for summary in summaries if summary)]
    return "\n".join(lines)
