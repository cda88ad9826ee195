"""Which versions of a secret there are: how they are taken away and come back, and how many are kept."""

import pytest
from tests.support.kv_stories import (
    AGAIN,
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
    errors,
    exactly,
    gone,
    nothing_there,
    stories,
    warned,
)

NO_VERSION = "no version number provided"
MOUNTS = {
    "three": ("kv-v2", {"max_versions": 3}),
    "short": ("kv-v2", {"delete_version_after": "1h"}),
    "never": ("kv-v2", {"delete_version_after": "-1s"}),
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


@pytest.mark.parametrize("story", stories(TAKING_AWAY))
def test_taking_versions_away(talk: Talk, story: Story) -> None:
    talk.tell(story)


@pytest.mark.parametrize("story", stories(KEEPING))
def test_keeping_versions(talk: Talk, story: Story) -> None:
    talk.tell(story)
