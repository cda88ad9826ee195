"""A merge patch changes what it names of the present version, and makes nothing where there is none."""

import pytest
from tests.support.kv_stories import (
    CAS_MISMATCH,
    DATA,
    DELETE,
    WRITE,
    Story,
    Talk,
    anything,
    data,
    empty,
    error_about,
    errors,
    exactly,
    nothing_there,
    stories,
)
from tests.support.store_talk import ask_on

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


@pytest.mark.parametrize("story", stories(PATCHES))
def test_a_patch(talk: Talk, story: Story) -> None:
    talk.tell(story)


@pytest.mark.parametrize("content_type", ["", "application/json", "text/plain"])
def test_a_patch_without_its_media_type_is_refused(talk: Talk, content_type: str) -> None:
    headers = talk.headers | {"Content-Type": content_type}
    answer = ask_on(talk.connection, "PATCH", "/v1/secret/data/media", DATA, headers=headers)
    assert answer.status == 415
