"""A mount without versions keeps the last that was written, and says how long it may be kept."""

import pytest
from tests.support.kv_stories import (
    Story,
    Talk,
    anything,
    data,
    empty,
    errors,
    exactly,
    nothing_there,
    stories,
)

MOUNTS = {"kv1": ("kv-v1", None)}

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


@pytest.mark.parametrize("story", stories(VERSION_1))
def test_a_mount_without_versions(talk: Talk, story: Story) -> None:
    talk.tell(story)
