"""docs/storage-policies.md, carried out: every block in order, on a real storage node."""

import pytest
from tests.support.guide import Reader, blocks_of
from tests.support.security_of_guide import NODE, make_keys_and_contexts


@pytest.fixture
def reader(tmp_path):
    someone = Reader(tmp_path)
    someone.environment["HOLDFAST_NODE"] = someone.here("http://127.0.0.1:9021")
    make_keys_and_contexts(someone, alices_roles="system.user, policy.maker")
    someone.start(NODE, address="127.0.0.1:9021")
    yield someone
    someone.stop()


def test_the_guide_works_as_it_is_written(reader):
    blocks, said = blocks_of("storage-policies.md"), ""
    assert len(blocks) >= 6
    for _, text in blocks:
        said += reader.type(text)
    assert said.count("Volume successfully created") == 3
    assert "Storage Policy *gold* is set to default" in said
    assert "Default                  : Yes" in said
    assert "StoragePolicy    : gold" in said
    assert 'Size="64 MiB,Minimum"' in said
    assert "bob  Read" in said
    assert "Default storage policy restriction is removed" in said
    assert "Storage Policy gold is deleted" in said
    # What must be refused is: the shell goes on after `! command`, whichever way that ends.
    assert "large" not in reader.type("hfctl volume list")
    told = reader.type("hfctl volume inspect data")
    assert "tier=gold" in told
    assert "app=db" in told
