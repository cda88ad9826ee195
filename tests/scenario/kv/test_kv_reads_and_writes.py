"""What is written is what is read, to the digit; what cannot be written is refused and leaves nothing."""

import pytest
from tests.support.kv_stories import (
    AGAIN,
    DATA,
    WRITE,
    Story,
    Talk,
    anything,
    at,
    data,
    empty,
    error_about,
    errors,
    exactly,
    gone,
    nothing_there,
    stories,
)
from tests.support.store_talk import ask_on

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


@pytest.mark.parametrize("story", stories(READS_AND_WRITES))
def test_reads_and_writes(talk: Talk, story: Story) -> None:
    talk.tell(story)


@pytest.mark.parametrize(
    "content_type", ["", "application/json", "text/plain", "application/json; charset=utf-8"]
)
def test_a_write_needs_no_media_type(talk: Talk, content_type: str) -> None:
    headers = talk.headers | {"Content-Type": content_type}
    answer = ask_on(talk.connection, "PUT", "/v1/secret/data/media", DATA, headers=headers)
    assert answer.status == 200
