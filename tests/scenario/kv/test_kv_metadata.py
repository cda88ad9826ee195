"""The metadata of a secret: what they tell, who may change them on which condition, and their limits."""

import pytest
from tests.support.kv_stories import (
    CAS_MISMATCH,
    CAS_REQUIRED,
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
    nothing_there,
    stories,
)

METADATA_MISMATCH = f"metadata {CAS_MISMATCH}"
METADATA_REQUIRED = f"metadata {CAS_REQUIRED}"
MOUNTS = {"careful": ("kv-v2", {"metadata_cas_required": True})}

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


@pytest.mark.parametrize("story", stories(METADATA))
def test_metadata(talk: Talk, story: Story) -> None:
    talk.tell(story)
