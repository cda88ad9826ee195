"""A write that names a version counts only if that is the present one; keys and mounts may demand it."""

import pytest
from tests.support.kv_stories import (
    CAS_MISMATCH,
    CAS_REQUIRED,
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
    nothing_there,
    stories,
)

MOUNTS = {"strict": ("kv-v2", {"cas_required": True})}

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


@pytest.mark.parametrize("story", stories(CHECK_AND_SET))
def test_check_and_set(talk: Talk, story: Story) -> None:
    talk.tell(story)
