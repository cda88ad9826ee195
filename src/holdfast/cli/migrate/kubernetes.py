"""Kubernetes Secrets in JSON as a source, as ``kubectl get secret -o json`` prints them: one, or a list.

The name of each secret is ``<namespace>/<name>/<key>``. What is in ``stringData`` counts before ``data``, as
it does in Kubernetes. Other kinds of objects in a list are skipped.
"""

import base64
import binascii
import json
from collections.abc import Iterator
from typing import Any

from holdfast.cli.errors import LocalError
from holdfast.cli.migrate.entry import Entry, NoSecretError, holding, refused

MAX_FILE_BYTES = 256 * 1024 * 1024

_LISTS = frozenset({"List", "SecretList"})
_LINE_BREAKS = str.maketrans("", "", "\r\n")


def entries_of_kubernetes(content: bytes) -> list[Entry]:
    """Return an entry for each key of each Secret.

    Raises:
        LocalError: not JSON, or no Secret and no list of them.
    """
    document = _parse(content)
    kind = document.get("kind") if isinstance(document, dict) else None
    if kind == "Secret":
        return list(_entries(document, ""))
    items = document.get("items") if kind in _LISTS else None
    if not isinstance(items, list):
        raise LocalError(
            "document: expected a Secret or a list of them, as `kubectl get secret -o json` prints"
        )
    inner = "Secret" if kind == "SecretList" else ""  # the items of a typed list need not repeat their kind
    return [entry for number, item in enumerate(items, start=1) for entry in _entries(item, inner, number)]


def _entries(item: Any, kind: str, number: int = 1) -> Iterator[Entry]:
    if not isinstance(item, dict):
        yield refused(f"item {number}", "expected an object")
        return
    metadata = item.get("metadata")
    words = [metadata.get(word) if isinstance(metadata, dict) else None for word in ("namespace", "name")]
    if not all(_is_segment(word) for word in words):
        yield refused(f"item {number}", "metadata: expected a namespace and a name without slashes")
        return
    place = f"{words[0]}/{words[1]}"
    if item.get("kind", kind) != "Secret":
        yield refused(place, "not a Secret", kind=NoSecretError)
        return
    texts, encoded = item.get("stringData") or {}, item.get("data") or {}
    if not isinstance(texts, dict) or not isinstance(encoded, dict):
        yield refused(place, "data, stringData: expected objects")
        return
    for key in {**encoded, **texts}:
        yield _entry(place, key, texts.get(key), encoded.get(key))


def _entry(place: str, key: str, text: Any, encoded: Any) -> Entry:
    name = f"{place}/{key}"
    if not _is_segment(key):
        return refused(name, "key: expected one that is not empty and has no slash")
    if text is not None:
        return _text_entry(name, text)
    if not isinstance(encoded, str):
        return refused(name, "data: expected base64 text")
    try:
        # Line breaks in it are ignored, as Kubernetes does.
        return holding(name, base64.b64decode(encoded.translate(_LINE_BREAKS), validate=True))
    except (binascii.Error, ValueError):  # ValueError: not even ASCII
        return refused(name, "data: expected base64")


def _text_entry(name: str, text: Any) -> Entry:
    try:
        return holding(name, text.encode("utf-8"))
    except (AttributeError, UnicodeEncodeError):
        return refused(name, "stringData: expected text")


def _is_segment(word: Any) -> bool:
    return isinstance(word, str) and word != "" and "/" not in word


def _parse(content: bytes) -> Any:
    try:
        return json.loads(content.decode("utf-8"), object_pairs_hook=_without_duplicates)
    except UnicodeDecodeError:
        problem = "expected UTF-8"
    except json.JSONDecodeError as error:
        problem = f"expected JSON (line {error.lineno}, column {error.colno})"
    except RecursionError:
        problem = "nested too deep"
    except ValueError:  # a number of thousands of digits
        problem = "expected JSON with numbers of a usual size"
    # Raised out here, because the errors above would carry the document along as their context.
    raise LocalError(f"document: {problem}")


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise LocalError("document: a name occurs twice in one JSON object")
    return members
