"""Which secrets there are, and what is in them, is told without their values."""

import pytest
from tests.support.kv_stories import (
    DATA,
    DELETE,
    WRITE,
    Story,
    Talk,
    anything,
    at,
    data,
    empty,
    error_about,
    exactly,
    nothing_there,
    stories,
)

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


@pytest.mark.parametrize("story", stories(LISTS_AND_SHAPES))
def test_lists_and_shapes(talk: Talk, story: Story) -> None:
    talk.tell(story)
