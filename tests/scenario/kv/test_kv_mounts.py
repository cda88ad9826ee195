"""What a mount says of paths that it does not have, of its settings, and once it is given versions."""

import pytest
from tests.support.kv_stories import (
    DATA,
    Story,
    Talk,
    anything,
    data,
    empty,
    error_about,
    exactly,
    stories,
    warned,
)

INVALID_PATH = (
    "Invalid path for a versioned K/V secrets engine. "
    "See the API docs for the appropriate API endpoints to use."
)
AT_THE_ROOT = "Non-listing operations on the root of a K/V v2 mount are not supported."
MOUNTS = {"plain2": ("kv-v2", None)}

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
}

SETTINGS = {
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


@pytest.mark.parametrize("story", stories(PATHS))
def test_paths_of_a_mount(talk: Talk, story: Story) -> None:
    talk.tell(story)


@pytest.mark.parametrize("story", stories(SETTINGS))
def test_settings_of_a_mount(talk: Talk, story: Story) -> None:
    talk.tell(story)
