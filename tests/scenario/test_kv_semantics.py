"""Every row of what the KV part of the Vault API promises, asked of a real server in plain HTTP.

A row is a story: requests with what each must answer. ``{p}`` in a path is a name that no other row uses, on
``secret/`` (version 2), ``kv1/`` (version 1), and on mounts with settings of their own that are made below.
"""

import http.client
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.support.store_process import StoreProcess
from tests.support.store_talk import Answer, ask_on, connect

Check = Callable[[Answer], None]
Step = tuple[str, str, Any, int, Check]

MERGE = "application/merge-patch+json"
PATCH_HEADERS = {"Content-Type": MERGE}
INVALID_PATH = (
    "Invalid path for a versioned K/V secrets engine. "
    "See the API docs for the appropriate API endpoints to use."
)
AT_THE_ROOT = "Non-listing operations on the root of a K/V v2 mount are not supported."
CAS_MISMATCH = "check-and-set parameter did not match the current version"
CAS_REQUIRED = "check-and-set parameter required for this call"
METADATA_MISMATCH = f"metadata {CAS_MISMATCH}"
METADATA_REQUIRED = f"metadata {CAS_REQUIRED}"
NO_VERSION = "no version number provided"
DATA = {"data": {"k": "v"}}


def empty(answer: Answer) -> None:
    """A 204 without a body: hvac and the Go client tell it from a 200 by that."""
    assert answer.body == b""


def anything(_: Answer) -> None:
    """What it says is the subject of another row."""


def nothing_there(answer: Answer) -> None:
    assert answer.json == {"errors": []}


def errors(*texts: str) -> Check:
    def check(answer: Answer) -> None:
        assert answer.json == {"errors": list(texts)}

    return check


def error_about(word: str) -> Check:
    """A refusal in our own words, about this field."""

    def check(answer: Answer) -> None:
        assert word in answer.json["errors"][0]

    return check


def data(**members: Any) -> Check:
    """An envelope with all its members, whose data have these; ``...`` stands for any value."""

    def check(answer: Answer) -> None:
        document = answer.json
        assert set(document) == {
            "request_id", "lease_id", "renewable", "lease_duration", "data", "wrap_info", "warnings", "auth"
        }  # fmt: skip
        assert answer.headers["Content-Type"] == "application/json"
        _contains(document["data"], members)

    return check


def _contains(found: Any, wanted: Any) -> None:
    if wanted is ...:
        return
    if isinstance(wanted, dict) and isinstance(found, dict):
        assert set(wanted) <= set(found)
        for name, member in wanted.items():
            _contains(found[name], member)
    else:
        assert found == wanted


def exactly(text: str) -> Check:
    """The answer has this text in it, byte for byte."""

    def check(answer: Answer) -> None:
        assert text.encode() in answer.body

    return check


def warned(text: str) -> Check:
    def check(answer: Answer) -> None:
        assert (answer.json["data"], answer.json["warnings"]) == (None, [text])

    return check


def at(version: int, **more: Any) -> dict[str, Any]:
    """Return metadata of a live version."""
    return {"version": version, "destroyed": False, "deletion_time": "", **more}


def gone(version: int, **more: Any) -> Check:
    """The 404 of a version that was deleted or destroyed: a whole envelope, with its metadata and no data."""
    return data(data=None, metadata={"version": version, **more})


WRITE: Step = ("PUT", "secret/data/{p}", DATA, 200, data(version=1))
AGAIN: Step = ("PUT", "secret/data/{p}", {"data": {"k": "w"}}, 200, data(version=2))
DELETE: Step = ("DELETE", "secret/data/{p}", None, 204, empty)

VERSION_1 = {
    "a write is 204, a read has the data and how long it may be kept": [
        ("PUT", "kv1/{p}", {"k": "v"}, 204, empty),
        ("GET", "kv1/{p}", None, 200, data(k="v")),
        ("GET", "kv1/{p}", None, 200, exactly('"lease_duration":2764800')),
        ("GET", "kv1/{p}", None, 200, exactly('"lease_id":"","renewable":false')),
    ],
    "POST writes as PUT does, and the last write wins": [
        ("POST", "kv1/{p}", {"a": "1", "b": "2"}, 204, empty),
        ("POST", "kv1/{p}", {"a": "3"}, 204, empty),
        ("GET", "kv1/{p}", None, 200, exactly('"data":{"a": "3"}')),
    ],
    "ttl says how long it may be kept": [
        ("PUT", "kv1/{p}", {"ttl": "1h", "k": "v"}, 204, empty),
        ("GET", "kv1/{p}", None, 200, exactly('"lease_duration":3600')),
    ],
    "so does lease, in seconds": [
        ("PUT", "kv1/{p}", {"lease": 60}, 204, empty),
        ("GET", "kv1/{p}", None, 200, exactly('"lease_duration":60')),
    ],
    "a ttl that is none is data like any other": [
        ("PUT", "kv1/{p}", {"ttl": "soon"}, 204, empty),
        ("GET", "kv1/{p}", None, 200, exactly('"lease_duration":2764800')),
    ],
    "an empty body is refused": [
        ("PUT", "kv1/{p}", None, 400, errors("missing data fields")),
        ("PUT", "kv1/{p}", {}, 400, errors("missing data fields")),
    ],
    "deleting is 204, also where nothing is": [
        ("DELETE", "kv1/{p}", None, 204, empty),
        ("PUT", "kv1/{p}", {"k": "v"}, 204, empty),
        ("DELETE", "kv1/{p}", None, 204, empty),
        ("GET", "kv1/{p}", None, 404, nothing_there),
    ],
    "there is no patch": [
        ("PUT", "kv1/{p}", {"k": "v"}, 204, empty),
        ("PATCH", "kv1/{p}", {"k": "w"}, 405, anything),
    ],
    "a listing is sorted and marks directories": [
        ("PUT", "kv1/{p}/b", {"k": "v"}, 204, empty),
        ("PUT", "kv1/{p}/a", {"k": "v"}, 204, empty),
        ("PUT", "kv1/{p}/b/c", {"k": "v"}, 204, empty),
        ("LIST", "kv1/{p}", None, 200, data(keys=["a", "b", "b/"])),
        ("GET", "kv1/{p}?list=true", None, 200, data(keys=["a", "b", "b/"])),
        ("LIST", "kv1/{p}/", None, 200, data(keys=["a", "b", "b/"])),
        ("LIST", "kv1/{p}/none", None, 404, nothing_there),
    ],
    "names of version 2 are names": [
        ("PUT", "kv1/data/{p}", {"k": "v"}, 204, empty),
        ("GET", "kv1/data/{p}", None, 200, data(k="v")),
    ],
}

READS_AND_WRITES = {
    "a write is 200 with the version": [
        ("PUT", "secret/data/{p}", DATA, 200, data(**at(1, created_time=..., custom_metadata=None))),
        ("POST", "secret/data/{p}", DATA, 200, data(**at(2))),
    ],
    "a read has data and metadata": [
        WRITE,
        ("GET", "secret/data/{p}", None, 200, data(data={"k": "v"}, metadata=at(1, custom_metadata=None))),
        ("GET", "secret/data/{p}", None, 200, exactly('"lease_duration":0')),
    ],
    "version 0 is the latest, as is none": [
        WRITE,
        AGAIN,
        ("GET", "secret/data/{p}?version=0", None, 200, data(data={"k": "w"}, metadata=at(2))),
        ("GET", "secret/data/{p}?version=", None, 200, data(data={"k": "w"})),
        ("GET", "secret/data/{p}?version=1", None, 200, data(data={"k": "v"}, metadata=at(1))),
    ],
    "a version that never was is a plain 404": [
        WRITE,
        ("GET", "secret/data/{p}?version=2", None, 404, nothing_there),
        ("GET", "secret/data/{p}?version=999999999", None, 404, nothing_there),
    ],
    "a version that is no number is refused": [
        WRITE,
        ("GET", "secret/data/{p}?version=x", None, 400, error_about("version")),
        ("GET", "secret/data/{p}?version=-1", None, 400, error_about("version")),
        ("GET", "secret/data/{p}?version=1.5", None, 400, error_about("version")),
        ("GET", "secret/data/{p}?version=" + "9" * 30, None, 400, error_about("version")),
    ],
    "a missing key is a plain 404": [
        ("GET", "secret/data/{p}", None, 404, nothing_there),
        ("HEAD", "secret/data/{p}", None, 404, empty),
    ],
    "HEAD is a GET without its body": [WRITE, ("HEAD", "secret/data/{p}", None, 200, empty)],
    "a write without data is refused": [
        ("PUT", "secret/data/{p}", {}, 400, errors("no data provided")),
        ("PUT", "secret/data/{p}", {"data": None}, 400, errors("no data provided")),
        ("PUT", "secret/data/{p}", {"k": "v"}, 400, errors("no data provided")),
        ("PUT", "secret/data/{p}", None, 400, errors("no data provided")),
        ("PUT", "secret/data/{p}", {"data": "text"}, 400, error_about("data")),
        ("PUT", "secret/data/{p}", {"data": [1]}, 400, error_about("data")),
        ("GET", "secret/data/{p}", None, 404, nothing_there),
    ],
    "an empty map is data": [
        ("PUT", "secret/data/{p}", {"data": {}}, 200, data(version=1)),
        ("GET", "secret/data/{p}", None, 200, exactly('"data":{"data":{},"metadata":')),
    ],
    "nested values, lists, nulls and booleans come back as they are": [
        ("PUT", "secret/data/{p}", {"data": {"a": {"b": [1, None, True, {"c": ""}]}}}, 200, anything),
        ("GET", "secret/data/{p}", None, 200, data(data={"a": {"b": [1, None, True, {"c": ""}]}})),
    ],
    "numbers keep every digit": [
        (
            "PUT",
            "secret/data/{p}",
            '{"data":{"n":9007199254740993,"m":123456789012345678901234567890}}',
            200,
            anything,
        ),
        (
            "GET",
            "secret/data/{p}",
            None,
            200,
            exactly('{"n":9007199254740993,"m":123456789012345678901234567890}'),
        ),
        ("PUT", "secret/data/{p}", '{"data":{"f":1.10,"e":1e3,"z":-0.0}}', 200, anything),
        ("GET", "secret/data/{p}", None, 200, exactly('{"f":1.10,"e":1e3,"z":-0.0}')),
    ],
    "a name that occurs twice in a body is refused, at any depth": [
        ("PUT", "secret/data/{p}", '{"data":{"k":"v"},"data":{"k":"w"}}', 400, error_about("twice")),
        ("PUT", "secret/data/{p}", '{"data":{"k":"v","k":"w"}}', 400, error_about("twice")),
        ("GET", "secret/data/{p}", None, 404, nothing_there),
    ],
    "a body that is no JSON object is refused": [
        ("PUT", "secret/data/{p}", "[]", 400, error_about("object")),
        ("PUT", "secret/data/{p}", '{"data":', 400, error_about("JSON")),
        ("PUT", "secret/data/{p}", '{"data":{"n":NaN}}', 400, error_about("JSON")),
    ],
    "unknown members beside data change nothing": [
        ("PUT", "secret/data/{p}", {**DATA, "more": 1, "options": {"what": 1}}, 200, data(version=1)),
    ],
    "a write to a path that ends in a slash is refused": [
        ("PUT", "secret/data/{p}/", DATA, 400, errors("cannot write to a path ending in '/'")),
        ("PUT", "secret/data/", DATA, 400, errors("cannot write to a path ending in '/'")),
    ],
    "other calls take a trailing slash as none": [
        WRITE,
        ("GET", "secret/data/{p}/", None, 200, data(data={"k": "v"})),
        ("DELETE", "secret/data/{p}/", None, 204, empty),
        ("GET", "secret/data/{p}", None, 404, gone(1)),
    ],
    "slashes in a row are one": [WRITE, ("GET", "secret//data///{p}", None, 200, data(data={"k": "v"}))],
    "a name may be a directory, too": [
        WRITE,
        ("PUT", "secret/data/{p}/below", DATA, 200, data(version=1)),
        ("DELETE", "secret/metadata/{p}", None, 204, empty),
        ("GET", "secret/data/{p}/below", None, 200, data(data={"k": "v"})),
    ],
    "names of any script, with blanks and signs": [
        ("PUT", "secret/data/{p}/%C3%BC%20%2B%3A%40%3D%26%3F", DATA, 200, data(version=1)),
        ("GET", "secret/data/{p}/%C3%BC%20%2b%3a%40%3d%26%3f", None, 200, data(data={"k": "v"})),
        ("LIST", "secret/metadata/{p}", None, 200, data(keys=["ü +:@=&?"])),
        ("PUT", "secret/data/{p}/%E6%BC%A2%E5%AD%97/data/metadata", DATA, 200, data(version=1)),
        ("LIST", "secret/metadata/{p}/%E6%BC%A2%E5%AD%97", None, 200, data(keys=["data/"])),
    ],
    "names that could be read in two ways are refused": [
        ("PUT", "secret/data/{p}/%2e%2e/x", DATA, 400, error_about("path")),
        ("PUT", "secret/data/{p}/../x", DATA, 400, error_about("path")),
        ("PUT", "secret/data/{p}/%00", DATA, 400, error_about("path")),
        ("PUT", "secret/data/{p}/%01", DATA, 400, error_about("path")),
        ("PUT", "secret/data/{p}/a%5Cb", DATA, 400, error_about("path")),
        ("PUT", "secret/data/{p}/%ff", DATA, 400, error_about("path")),
        ("PUT", "secret/data/{p}/%zz", DATA, 400, error_about("path")),
        ("PUT", "secret/data/{p}/e%CC%81", DATA, 400, error_about("path")),
        ("LIST", "secret/metadata/{p}", None, 404, nothing_there),
    ],
}

CHECK_AND_SET = {
    "the number of the current version, as a number or as text": [
        WRITE,
        ("PUT", "secret/data/{p}", {**DATA, "options": {"cas": 1}}, 200, data(version=2)),
        ("PUT", "secret/data/{p}", {**DATA, "options": {"cas": "2"}}, 200, data(version=3)),
    ],
    "another number is refused and changes nothing": [
        WRITE,
        ("PUT", "secret/data/{p}", {**DATA, "options": {"cas": 2}}, 400, errors(CAS_MISMATCH)),
        ("PUT", "secret/data/{p}", {**DATA, "options": {"cas": 0}}, 400, errors(CAS_MISMATCH)),
        ("GET", "secret/data/{p}", None, 200, data(metadata=at(1))),
    ],
    "0 is only for what was never written": [
        ("PUT", "secret/data/{p}", {**DATA, "options": {"cas": 0}}, 200, data(version=1)),
        DELETE,
        ("PUT", "secret/data/{p}", {**DATA, "options": {"cas": 0}}, 400, errors(CAS_MISMATCH)),
        ("PUT", "secret/data/{p}", {**DATA, "options": {"cas": 1}}, 200, data(version=2)),
    ],
    "0 is fine where metadata came first": [
        ("PUT", "secret/metadata/{p}", {"max_versions": 2}, 204, empty),
        ("PUT", "secret/data/{p}", {**DATA, "options": {"cas": 0}}, 200, data(version=1)),
    ],
    "no number is no condition": [
        ("PUT", "secret/data/{p}", {**DATA, "options": {}}, 200, data(version=1)),
        ("PUT", "secret/data/{p}", {**DATA, "options": None}, 200, data(version=2)),
        ("PUT", "secret/data/{p}", {**DATA, "options": {"cas": None}}, 200, data(version=3)),
    ],
    "what is no number is refused": [
        ("PUT", "secret/data/{p}", {**DATA, "options": {"cas": "x"}}, 400, error_about("cas")),
        ("PUT", "secret/data/{p}", {**DATA, "options": {"cas": -1}}, 400, error_about("cas")),
        ("PUT", "secret/data/{p}", {**DATA, "options": {"cas": 1.5}}, 400, error_about("cas")),
        ("PUT", "secret/data/{p}", {**DATA, "options": {"cas": True}}, 400, error_about("cas")),
        ("PUT", "secret/data/{p}", {**DATA, "options": [0]}, 400, error_about("options")),
        ("GET", "secret/data/{p}", None, 404, nothing_there),
    ],
    "a key may require it": [
        ("PUT", "secret/metadata/{p}", {"cas_required": True}, 204, empty),
        ("PUT", "secret/data/{p}", DATA, 400, errors(CAS_REQUIRED)),
        ("PUT", "secret/data/{p}", {**DATA, "options": {"cas": 0}}, 200, data(version=1)),
        ("PATCH", "secret/data/{p}", DATA, 400, errors(CAS_REQUIRED)),
        ("PATCH", "secret/data/{p}", {**DATA, "options": {"cas": 1}}, 200, data(version=2)),
    ],
    "a mount may require it, and a key cannot say otherwise": [
        ("PUT", "strict/data/{p}", DATA, 400, errors(CAS_REQUIRED)),
        ("PUT", "strict/metadata/{p}", {"cas_required": False}, 200, anything),
        ("PUT", "strict/data/{p}", DATA, 400, errors(CAS_REQUIRED)),
        ("PUT", "strict/data/{p}", {**DATA, "options": {"cas": 0}}, 200, data(version=1)),
    ],
}

PATCHES = {
    "a merge patch sets, removes and merges": [
        ("PUT", "secret/data/{p}", {"data": {"a": "1", "b": {"c": 1, "d": 2}, "e": [1]}}, 200, anything),
        (
            "PATCH",
            "secret/data/{p}",
            {"data": {"a": None, "b": {"c": 3}, "e": [2], "f": "4"}},
            200,
            data(version=2),
        ),
        ("GET", "secret/data/{p}", None, 200, exactly('"data":{"data":{"b":{"c":3,"d":2},"e":[2],"f":"4"}')),
        ("GET", "secret/data/{p}?version=1", None, 200, data(data={"a": "1"})),
    ],
    "a patch keeps digits that it does not name": [
        ("PUT", "secret/data/{p}", '{"data":{"n":123456789012345678901234567890,"f":1.10}}', 200, anything),
        ("PATCH", "secret/data/{p}", DATA, 200, data(version=2)),
        ("GET", "secret/data/{p}", None, 200, exactly('"n":123456789012345678901234567890,"f":1.10')),
    ],
    "removing what is not there is fine": [
        WRITE,
        ("PATCH", "secret/data/{p}", {"data": {"x": None}}, 200, data(version=2)),
        ("GET", "secret/data/{p}", None, 200, data(data={"k": "v"})),
    ],
    "a patch of a missing key is a plain 404": [("PATCH", "secret/data/{p}", DATA, 404, nothing_there)],
    "so is one of a key that has metadata only": [
        ("PUT", "secret/metadata/{p}", {"max_versions": 2}, 204, empty),
        ("PATCH", "secret/data/{p}", DATA, 404, nothing_there),
    ],
    "a patch of a deleted version is a 404 that says when": [
        WRITE,
        DELETE,
        ("PATCH", "secret/data/{p}", DATA, 404, data(version=1, deletion_time=..., destroyed=False)),
    ],
    "a patch of a destroyed version, likewise": [
        WRITE,
        ("PUT", "secret/destroy/{p}", {"versions": [1]}, 204, empty),
        ("PATCH", "secret/data/{p}", DATA, 404, data(version=1, destroyed=True)),
    ],
    "a patch with another number is refused": [
        WRITE,
        ("PATCH", "secret/data/{p}", {**DATA, "options": {"cas": 9}}, 400, errors(CAS_MISMATCH)),
    ],
    "a patch without data is refused": [
        WRITE,
        ("PATCH", "secret/data/{p}", {}, 400, errors("no data provided")),
        ("PATCH", "secret/data/{p}", {"data": "x"}, 400, error_about("data")),
    ],
}

TAKING_AWAY = {
    "a deleted version is a 404 with a whole envelope": [
        WRITE,
        DELETE,
        ("GET", "secret/data/{p}", None, 404, gone(1, destroyed=False)),
        ("GET", "secret/data/{p}?version=1", None, 404, gone(1, destroyed=False)),
    ],
    "an older version can still be read": [
        WRITE,
        AGAIN,
        DELETE,
        ("GET", "secret/data/{p}?version=1", None, 200, data(data={"k": "v"})),
        ("GET", "secret/data/{p}", None, 404, gone(2)),
    ],
    "deleting is 204, also twice and where nothing is": [DELETE, WRITE, DELETE, DELETE],
    "versions by number, as numbers, as text, and in one text": [
        WRITE,
        AGAIN,
        ("POST", "secret/delete/{p}", {"versions": [1]}, 204, empty),
        ("GET", "secret/data/{p}?version=1", None, 404, gone(1)),
        ("PUT", "secret/undelete/{p}", {"versions": ["1"]}, 204, empty),
        ("GET", "secret/data/{p}?version=1", None, 200, data(data={"k": "v"})),
        ("PUT", "secret/delete/{p}", {"versions": "1,2"}, 204, empty),
        ("GET", "secret/data/{p}", None, 404, gone(2)),
    ],
    "an empty list of versions is refused": [
        WRITE,
        ("POST", "secret/delete/{p}", {"versions": []}, 400, errors("No version number provided")),
        ("POST", "secret/delete/{p}", {}, 400, errors("No version number provided")),
        ("POST", "secret/undelete/{p}", {"versions": []}, 400, errors(NO_VERSION)),
        ("PUT", "secret/destroy/{p}", {}, 400, errors(NO_VERSION)),
    ],
    "what is no list of numbers is refused": [
        WRITE,
        ("POST", "secret/delete/{p}", {"versions": ["x"]}, 400, error_about("version")),
        ("POST", "secret/delete/{p}", {"versions": [-1]}, 400, error_about("version")),
        ("POST", "secret/destroy/{p}", {"versions": {"1": 1}}, 400, error_about("version")),
        ("GET", "secret/data/{p}", None, 200, data(data={"k": "v"})),
    ],
    "numbers that are not there are passed over": [
        WRITE,
        ("POST", "secret/delete/{p}", {"versions": [0, 7, 99999]}, 204, empty),
        ("POST", "secret/destroy/{p}", {"versions": [7]}, 204, empty),
        ("GET", "secret/data/{p}", None, 200, data(data={"k": "v"})),
    ],
    "none of it minds that nothing is there, and none makes something": [
        ("POST", "secret/delete/{p}", {"versions": [1]}, 204, empty),
        ("POST", "secret/undelete/{p}", {"versions": [1]}, 204, empty),
        ("PUT", "secret/destroy/{p}", {"versions": [1]}, 204, empty),
        ("GET", "secret/metadata/{p}", None, 404, nothing_there),
    ],
    "undelete takes the time of deletion away": [
        WRITE,
        DELETE,
        ("POST", "secret/undelete/{p}", {"versions": [1]}, 204, empty),
        ("GET", "secret/data/{p}", None, 200, data(data={"k": "v"}, metadata=at(1))),
    ],
    "destroyed stays destroyed": [
        WRITE,
        ("PUT", "secret/destroy/{p}", {"versions": [1]}, 204, empty),
        ("GET", "secret/data/{p}", None, 404, gone(1, destroyed=True, deletion_time="")),
        ("POST", "secret/undelete/{p}", {"versions": [1]}, 204, empty),
        ("GET", "secret/data/{p}", None, 404, gone(1, destroyed=True)),
        ("POST", "secret/destroy/{p}", {"versions": [1]}, 204, empty),
    ],
    "numbers go on after all of that": [
        WRITE,
        ("PUT", "secret/destroy/{p}", {"versions": [1]}, 204, empty),
        ("PUT", "secret/data/{p}", DATA, 200, data(version=2)),
    ],
    "erased with its metadata, a key begins anew": [
        WRITE,
        AGAIN,
        ("DELETE", "secret/metadata/{p}", None, 204, empty),
        ("GET", "secret/metadata/{p}", None, 404, nothing_there),
        ("GET", "secret/data/{p}", None, 404, nothing_there),
        ("DELETE", "secret/metadata/{p}", None, 204, empty),
        ("PUT", "secret/data/{p}", {**DATA, "options": {"cas": 0}}, 200, data(version=1)),
    ],
}

KEEPING = {
    "ten versions are kept, and oldest_version tells": [
        *[("PUT", "secret/data/{p}", DATA, 200, anything)] * 10,
        ("GET", "secret/metadata/{p}", None, 200, data(current_version=10, oldest_version=0, max_versions=0)),
        ("PUT", "secret/data/{p}", DATA, 200, data(version=11)),
        ("GET", "secret/metadata/{p}", None, 200, data(current_version=11, oldest_version=2)),
        ("GET", "secret/data/{p}?version=1", None, 404, nothing_there),
        ("GET", "secret/data/{p}?version=2", None, 200, anything),
    ],
    "a key may keep fewer than the default": [
        ("PUT", "secret/metadata/{p}", {"max_versions": 2}, 204, empty),
        *[("PUT", "secret/data/{p}", DATA, 200, anything)] * 3,
        ("GET", "secret/metadata/{p}", None, 200, data(oldest_version=2, versions={"2": ..., "3": ...})),
    ],
    "of key and mount, the larger counts": [
        (
            "PUT",
            "three/metadata/{p}",
            {"max_versions": 1},
            200,
            warned(
                "max_versions: this mount keeps 3 versions of every secret, so a smaller number has no effect"
            ),
        ),
        *[("PUT", "three/data/{p}", DATA, 200, anything)] * 4,
        ("GET", "three/metadata/{p}", None, 200, data(oldest_version=2, max_versions=1)),
        ("PUT", "three/metadata/{p}", {"max_versions": 5}, 204, empty),
        *[("PUT", "three/data/{p}", DATA, 200, anything)] * 3,
        ("GET", "three/metadata/{p}", None, 200, data(oldest_version=3, current_version=7)),
    ],
    "a smaller number counts from the next write on, and for all at once": [
        *[("PUT", "secret/data/{p}", DATA, 200, anything)] * 5,
        ("PUT", "secret/metadata/{p}", {"max_versions": 2}, 204, empty),
        ("GET", "secret/data/{p}?version=1", None, 200, anything),
        ("PUT", "secret/data/{p}", DATA, 200, data(version=6)),
        ("GET", "secret/data/{p}?version=4", None, 404, nothing_there),
        ("GET", "secret/data/{p}?version=5", None, 200, anything),
    ],
    "a version may have a time after which it is deleted": [
        ("PUT", "secret/metadata/{p}", {"delete_version_after": "1h30m"}, 204, empty),
        ("GET", "secret/metadata/{p}", None, 200, data(delete_version_after="1h30m0s")),
        ("PUT", "secret/data/{p}", DATA, 200, anything),
        ("GET", "secret/data/{p}", None, 200, exactly('"deletion_time":"2')),
        DELETE,
        ("PUT", "secret/undelete/{p}", {"versions": [1]}, 204, empty),
        ("GET", "secret/data/{p}", None, 200, exactly('"deletion_time":"2')),
    ],
    "the mount's time counts where a key has none": [
        ("PUT", "short/data/{p}", DATA, 200, exactly('"deletion_time":"2')),
    ],
    "a mount may say never": [
        ("PUT", "never/metadata/{p}", {"delete_version_after": "1h"}, 204, empty),
        ("PUT", "never/data/{p}", DATA, 200, data(**at(1))),
    ],
    "durations as seconds, text and days; 0 is none": [
        ("PUT", "secret/metadata/{p}", {"delete_version_after": 90}, 204, empty),
        ("GET", "secret/metadata/{p}", None, 200, data(delete_version_after="1m30s")),
        ("PUT", "secret/metadata/{p}", {"delete_version_after": "1d"}, 204, empty),
        ("GET", "secret/metadata/{p}", None, 200, data(delete_version_after="24h0m0s")),
        ("PUT", "secret/metadata/{p}", {"delete_version_after": "0s"}, 204, empty),
        ("GET", "secret/metadata/{p}", None, 200, data(delete_version_after="0s")),
        (
            "PUT",
            "secret/metadata/{p}",
            {"delete_version_after": "soon"},
            400,
            error_about("delete_version_after"),
        ),
    ],
}

METADATA = {
    "writes are counted, and may name the number that they follow": [
        WRITE,
        (
            "GET",
            "secret/metadata/{p}",
            None,
            200,
            data(current_metadata_version=0, metadata_cas_required=False),
        ),
        ("PUT", "secret/metadata/{p}", {"max_versions": 2, "metadata_cas": 0}, 204, empty),
        (
            "PUT",
            "secret/metadata/{p}",
            {"max_versions": 3, "metadata_cas": 0},
            400,
            errors(METADATA_MISMATCH),
        ),
        ("PATCH", "secret/metadata/{p}", {"max_versions": 3, "metadata_cas": "1"}, 204, empty),
        ("PUT", "secret/data/{p}", DATA, 200, anything),
        ("GET", "secret/metadata/{p}", None, 200, data(current_metadata_version=2, max_versions=3)),
    ],
    "a key or its mount may require it": [
        ("PUT", "secret/metadata/{p}", {"metadata_cas_required": True, "metadata_cas": 0}, 204, empty),
        ("PUT", "secret/metadata/{p}", {"max_versions": 2}, 400, errors(METADATA_REQUIRED)),
        ("PATCH", "secret/metadata/{p}", {"max_versions": 2}, 400, errors(METADATA_REQUIRED)),
        ("PATCH", "secret/metadata/{p}", {"metadata_cas_required": False, "metadata_cas": 1}, 204, empty),
        ("PUT", "secret/metadata/{p}", {"max_versions": 2}, 204, empty),
        ("PUT", "careful/metadata/{p}", {"max_versions": 2}, 400, errors(METADATA_REQUIRED)),
        ("PUT", "careful/metadata/{p}", {"max_versions": 2, "metadata_cas": 0}, 204, empty),
        ("PUT", "careful/data/{p}", DATA, 200, data(version=1)),
    ],
    "a number alone changes nothing": [
        ("PUT", "secret/metadata/{p}", {"metadata_cas": 0}, 204, empty),
        ("GET", "secret/metadata/{p}", None, 404, nothing_there),
        (
            "PUT",
            "secret/metadata/{p}",
            {"max_versions": 1, "metadata_cas": "x"},
            400,
            error_about("metadata_cas"),
        ),
    ],
    "it says everything but the data": [
        WRITE,
        (
            "GET",
            "secret/metadata/{p}",
            None,
            200,
            data(
                versions={"1": {"created_time": ..., "deletion_time": "", "destroyed": False}},
                current_version=1,
                oldest_version=0,
                created_time=...,
                updated_time=...,
                max_versions=0,
                cas_required=False,
                delete_version_after="0s",
                custom_metadata=None,
            ),
        ),
    ],
    "a write makes a key without versions": [
        ("POST", "secret/metadata/{p}", {"max_versions": "5"}, 204, empty),
        ("GET", "secret/metadata/{p}", None, 200, data(max_versions=5, current_version=0, versions={})),
        ("GET", "secret/data/{p}", None, 404, nothing_there),
        ("LIST", "secret/metadata/", None, 200, anything),
    ],
    "a write of nothing makes nothing": [
        ("PUT", "secret/metadata/{p}", {}, 204, empty),
        ("GET", "secret/metadata/{p}", None, 404, nothing_there),
    ],
    "a write changes what it names": [
        ("PUT", "secret/metadata/{p}", {"max_versions": 5, "cas_required": "true"}, 204, empty),
        ("PUT", "secret/metadata/{p}", {"max_versions": 6}, 204, empty),
        ("GET", "secret/metadata/{p}", None, 200, data(max_versions=6, cas_required=True)),
    ],
    "of a missing key is a plain 404": [("GET", "secret/metadata/{p}", None, 404, nothing_there)],
    "a patch of a missing key is a plain 404": [
        ("PATCH", "secret/metadata/{p}", {"max_versions": 5}, 404, nothing_there)
    ],
    "a patch merges custom metadata, a write replaces it": [
        ("PUT", "secret/metadata/{p}", {"custom_metadata": {"a": "1", "b": "2"}}, 204, empty),
        ("PATCH", "secret/metadata/{p}", {"custom_metadata": {"a": None, "c": "3"}}, 204, empty),
        ("GET", "secret/metadata/{p}", None, 200, exactly('"custom_metadata":{"b":"2","c":"3"}')),
        ("PUT", "secret/metadata/{p}", {"custom_metadata": {"d": "4"}}, 204, empty),
        ("GET", "secret/metadata/{p}", None, 200, exactly('"custom_metadata":{"d":"4"}')),
    ],
    "null in a patch goes back to the default": [
        ("PUT", "secret/metadata/{p}", {"max_versions": 5, "custom_metadata": {"a": "1"}}, 204, empty),
        ("PATCH", "secret/metadata/{p}", {"max_versions": None}, 204, empty),
        ("GET", "secret/metadata/{p}", None, 200, data(max_versions=0, custom_metadata={"a": "1"})),
    ],
    "custom metadata come with every version": [
        WRITE,
        ("PUT", "secret/metadata/{p}", {"custom_metadata": {"owner": "ada"}}, 204, empty),
        ("GET", "secret/data/{p}", None, 200, data(metadata=at(1, custom_metadata={"owner": "ada"}))),
        ("PUT", "secret/data/{p}", DATA, 200, data(**at(2, custom_metadata={"owner": "ada"}))),
    ],
    "custom metadata at their limits": [
        ("PUT", "secret/metadata/{p}", {"custom_metadata": {str(n): "v" for n in range(64)}}, 204, empty),
        ("PUT", "secret/metadata/{p}", {"custom_metadata": {"k" * 128: "v" * 512}}, 204, empty),
    ],
    "custom metadata over their limits": [
        (
            "PUT",
            "secret/metadata/{p}",
            {"custom_metadata": bad},
            400,
            error_about("custom_metadata validation failed"),
        )
        for bad in (
            {str(n): "v" for n in range(65)},
            {"k" * 129: "v"},
            {"k": "v" * 513},
            {"": "v"},
            {"k": ""},
            {"k": "\u0007"},
            {"k": 1},
            {"k": {"l": "m"}},
        )
    ],
    "settings that are none are refused": [
        ("PUT", "secret/metadata/{p}", {"max_versions": -1}, 400, error_about("max_versions")),
        ("PUT", "secret/metadata/{p}", {"max_versions": 2**40}, 400, error_about("max_versions")),
        ("PUT", "secret/metadata/{p}", {"cas_required": "maybe"}, 400, error_about("cas_required")),
        ("PUT", "secret/metadata/{p}", {"custom_metadata": "x"}, 400, error_about("custom_metadata")),
        ("GET", "secret/metadata/{p}", None, 404, nothing_there),
    ],
}

LISTS_AND_SHAPES = {
    "a listing names secrets and directories, deleted ones too": [
        ("PUT", "secret/data/{p}/b", DATA, 200, anything),
        ("PUT", "secret/data/{p}/a/x", DATA, 200, anything),
        ("DELETE", "secret/data/{p}/b", None, 204, empty),
        ("LIST", "secret/metadata/{p}", None, 200, data(keys=["a/", "b"])),
        ("GET", "secret/metadata/{p}?list=1", None, 200, data(keys=["a/", "b"])),
        ("LIST", "secret/metadata/{p}/b", None, 404, nothing_there),
    ],
    "a listing of nothing is a plain 404": [
        ("LIST", "secret/metadata/{p}", None, 404, nothing_there),
        WRITE,
        ("LIST", "secret/metadata/{p}", None, 404, nothing_there),
    ],
    "a listing comes in pages": [
        *[("PUT", f"secret/data/{{p}}/{name}", DATA, 200, anything) for name in "abc"],
        ("LIST", "secret/metadata/{p}?limit=2", None, 200, data(keys=["a", "b"])),
        ("LIST", "secret/metadata/{p}?limit=2&after=b", None, 200, data(keys=["c"])),
        ("LIST", "secret/metadata/{p}?after=c", None, 404, nothing_there),
        ("LIST", "secret/metadata/{p}?limit=x", None, 400, error_about("limit")),
    ],
    "a listing may come with metadata": [
        ("PUT", "secret/data/{p}/a/x", DATA, 200, anything),
        ("PUT", "secret/data/{p}/b", DATA, 200, anything),
        ("PUT", "secret/metadata/{p}/c", {"custom_metadata": {"o": "w"}}, 204, empty),
        (
            "LIST",
            "secret/detailed-metadata/{p}",
            None,
            200,
            data(
                keys=["a/", "b", "c"],
                key_info={"b": {"current_version": 1}, "c": {"custom_metadata": {"o": "w"}}},
            ),
        ),
        ("LIST", "secret/detailed-metadata/{p}?limit=1&after=b", None, 200, exactly('"keys":["c"]')),
        ("LIST", "secret/detailed-metadata/{p}/none", None, 404, nothing_there),
        ("GET", "secret/detailed-metadata/{p}/b", None, 405, anything),
    ],
    "a scan names everything below": [
        ("PUT", "secret/data/{p}/a/x", DATA, 200, anything),
        ("PUT", "secret/data/{p}/b", DATA, 200, anything),
        ("SCAN", "secret/metadata/{p}", None, 200, data(keys=["a/x", "b"])),
        ("GET", "secret/metadata/{p}?scan=true", None, 200, data(keys=["a/x", "b"])),
    ],
    "subkeys show names without values": [
        (
            "PUT",
            "secret/data/{p}",
            {"data": {"a": "1", "b": {"c": {"d": "2"}}, "e": [{"f": 3}]}},
            200,
            anything,
        ),
        (
            "GET",
            "secret/subkeys/{p}",
            None,
            200,
            data(subkeys={"a": None, "b": {"c": {"d": None}}, "e": None}, metadata=at(1)),
        ),
        ("GET", "secret/subkeys/{p}?depth=1", None, 200, exactly('"subkeys":{"a":null,"b":null,"e":null}')),
        ("GET", "secret/subkeys/{p}?depth=2", None, 200, exactly('"b":{"c":null}')),
        ("GET", "secret/subkeys/{p}?depth=0", None, 200, exactly('"b":{"c":{"d":null}}')),
        ("GET", "secret/subkeys/{p}?depth=x", None, 400, error_about("depth")),
        ("PUT", "secret/data/{p}", DATA, 200, anything),
        ("GET", "secret/subkeys/{p}?version=1&depth=1", None, 200, data(metadata=at(1))),
    ],
    "subkeys of what is deleted or missing": [
        ("GET", "secret/subkeys/{p}", None, 404, nothing_there),
        WRITE,
        DELETE,
        ("GET", "secret/subkeys/{p}", None, 404, data(subkeys=None, metadata={"version": 1})),
    ],
}

PATHS = {
    "a path that the engine does not have says so": [
        (method, "secret/{p}", body, 404, warned(INVALID_PATH))
        for method, body in (("GET", None), ("PUT", DATA), ("DELETE", None), ("LIST", None))
    ],
    "so does the mount itself, and a part of the engine without a name": [
        ("GET", "secret", None, 404, warned(AT_THE_ROOT)),
        ("GET", "secret/", None, 404, warned(AT_THE_ROOT)),
        ("DELETE", "secret", None, 404, warned(AT_THE_ROOT)),
        ("GET", "secret/data", None, 404, warned(AT_THE_ROOT)),
        ("GET", "secret/metadata", None, 404, warned(AT_THE_ROOT)),
        ("PUT", "secret/data", DATA, 404, warned(AT_THE_ROOT)),
        ("DELETE", "secret/metadata", None, 404, warned(AT_THE_ROOT)),
        ("PUT", "secret/destroy", {"versions": [1]}, 404, warned(AT_THE_ROOT)),
    ],
    "what a path does not offer is a 405": [
        ("GET", "secret/delete/{p}", None, 405, anything),
        ("DELETE", "secret/undelete/{p}", None, 405, anything),
        ("PATCH", "secret/destroy/{p}", {}, 405, anything),
        ("PUT", "secret/subkeys/{p}", DATA, 405, anything),
        ("LIST", "secret/data/{p}", None, 405, anything),
    ],
    "settings of a mount": [
        (
            "GET",
            "plain2/config",
            None,
            200,
            data(max_versions=0, cas_required=False, delete_version_after="0s"),
        ),
        ("POST", "plain2/config", {"max_versions": "7", "delete_version_after": "1h"}, 204, empty),
        (
            "GET",
            "plain2/config",
            None,
            200,
            data(max_versions=7, cas_required=False, delete_version_after="1h0m0s"),
        ),
        ("PUT", "plain2/config", {"cas_required": True}, 204, empty),
        ("GET", "plain2/config", None, 200, data(max_versions=7, cas_required=True)),
        ("PUT", "plain2/config", {"delete_version_after": "-1s"}, 204, empty),
        ("GET", "plain2/config", None, 200, data(delete_version_after="-1s")),
        ("PUT", "plain2/config", {"max_versions": -1}, 400, error_about("max_versions")),
    ],
    "versions for a mount that had none, and no way back": [
        ("PUT", "sys/mounts/{p}", {"type": "kv", "options": {"version": "1"}}, 204, empty),
        ("PUT", "{p}/app", '{"n":123456789012345678901234567890}', 204, empty),
        ("POST", "sys/mounts/{p}/tune", {"options": {"version": "2"}}, 204, empty),
        ("GET", "{p}/data/app", None, 200, exactly('{"n":123456789012345678901234567890}')),
        ("PUT", "{p}/data/app", {**DATA, "options": {"cas": 1}}, 200, data(version=2)),
        ("POST", "sys/mounts/{p}/tune", {"options": {"version": "1"}}, 400, error_about("downgrade")),
        ("GET", "{p}/data/app?version=1", None, 200, exactly('{"n":123456789012345678901234567890}')),
        ("DELETE", "sys/mounts/{p}", None, 204, empty),
    ],
}

ROWS = [
    pytest.param(story, id=f"{title}: {name}")
    for title, rows in {
        "v1": VERSION_1,
        "v2": READS_AND_WRITES,
        "cas": CHECK_AND_SET,
        "patch": PATCHES,
        "taking away": TAKING_AWAY,
        "keeping": KEEPING,
        "metadata": METADATA,
        "lists": LISTS_AND_SHAPES,
        "paths": PATHS,
    }.items()
    for name, story in rows.items()
]


class Talk:
    """One connection to the server, as root."""

    def __init__(self, store: StoreProcess) -> None:
        self.connection = connect(store)
        self.headers = {"X-Vault-Token": store.root_token}

    def ask(self, method: str, path: str, body: Any = None) -> Answer:
        more = PATCH_HEADERS if method == "PATCH" else {}
        try:
            return ask_on(self.connection, method, f"/v1/{path}", body, headers=self.headers | more)
        except http.client.HTTPException:
            self.connection.close()  # the next row gets a new one
            raise


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Talk]:
    with StoreProcess(tmp_path_factory.mktemp("kv"), workers=1) as store:
        store.initialize()
        talk = Talk(store)
        mounts = {
            "kv1": ("kv-v1", None),
            "plain2": ("kv-v2", None),
            "strict": ("kv-v2", {"cas_required": True}),
            "three": ("kv-v2", {"max_versions": 3}),
            "short": ("kv-v2", {"delete_version_after": "1h"}),
            "careful": ("kv-v2", {"metadata_cas_required": True}),
            "never": ("kv-v2", {"delete_version_after": "-1s"}),
        }
        for path, (kind, config) in mounts.items():
            assert talk.ask("POST", f"sys/mounts/{path}", {"type": kind}).status == 204
            if config is not None:
                assert talk.ask("POST", f"{path}/config", config).status == 204
        yield talk
        talk.connection.close()


@pytest.mark.parametrize("story", ROWS)
def test_row(talk: Talk, story: list[Step], request: pytest.FixtureRequest) -> None:
    name = f"row-{ROWS_BY_ID[request.node.callspec.id]}"
    for number, (method, path, body, status, check) in enumerate(story, 1):
        answer = talk.ask(method, path.replace("{p}", name), body)
        where = f"step {number}: {method} {path}: {answer.status} {answer.body.decode()[:500]}"
        assert answer.status == status, where
        try:
            check(answer)
        except (AssertionError, KeyError, json.JSONDecodeError) as error:
            raise AssertionError(where) from error


ROWS_BY_ID = {row.id: number for number, row in enumerate(ROWS)}


@pytest.mark.parametrize("content_type", ["", "application/json", "text/plain"])
def test_a_patch_without_its_media_type_is_refused(talk: Talk, content_type: str) -> None:
    headers = talk.headers | {"Content-Type": content_type}
    answer = ask_on(talk.connection, "PATCH", "/v1/secret/data/media", DATA, headers=headers)
    assert answer.status == 415


@pytest.mark.parametrize(
    "content_type", ["", "application/json", "text/plain", "application/json; charset=utf-8"]
)
def test_a_write_needs_no_media_type(talk: Talk, content_type: str) -> None:
    headers = talk.headers | {"Content-Type": content_type}
    answer = ask_on(talk.connection, "PUT", "/v1/secret/data/media", DATA, headers=headers)
    assert answer.status == 200
