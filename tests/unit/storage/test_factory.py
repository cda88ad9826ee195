"""Storage stanzas: which ones open what, and how the others are refused."""

import pytest

from holdfast.errors import InvalidInputError
from holdfast.storage.factory import open_storage


@pytest.mark.parametrize("kind", ["file", "lmdb"])
def test_embedded_engine_keeps_its_data_under_the_path(tmp_path, kind):
    options = {"path": str(tmp_path / "vault-data")}
    first = open_storage(kind, options)
    assert first.name == kind
    first.write(lambda transaction: transaction.put("a", b"1"))
    first.close()
    second = open_storage(kind, {**options, "map_size": 1 << 30}, readonly=True)
    assert second.get("a") == b"1"
    second.close()


def test_memory_engine_needs_nothing():
    storage = open_storage("inmem", {})
    assert storage.name == "inmem"
    assert storage.list("") == []


@pytest.mark.parametrize(
    ("kind", "options", "text"),
    [
        pytest.param("consul", {}, "expected one of the types file, inmem, lmdb, p", id="unknown-type"),
        pytest.param("", {}, "expected one of the types", id="no-type"),
        pytest.param("file", {}, "path is required", id="no-path"),
        pytest.param("file", {"path": ""}, "path is required", id="empty-path"),
        pytest.param("file", {"path": 7}, "path is required", id="path-is-a-number"),
        pytest.param("file", {"path": "x", "paht": "y"}, "unknown option paht", id="misspelt-option"),
        pytest.param("inmem", {"path": "x"}, "unknown option path", id="option-of-another-type"),
        pytest.param("lmdb", {"path": "x", "map_size": "1GiB"}, "map_size", id="map-size-is-text"),
        pytest.param("lmdb", {"path": "x", "map_size": 4096}, "map_size", id="map-size-too-small"),
        pytest.param("lmdb", {"path": "x", "map_size": True}, "map_size", id="map-size-is-a-boolean"),
    ],
)
def test_stanza_that_cannot_be_right_is_refused(kind, options, text):
    with pytest.raises(InvalidInputError, match=text):
        open_storage(kind, options)
