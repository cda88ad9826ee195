"""docs/secure-a-cluster.md, carried out: every block in order, on a real storage node."""

import pytest
from tests.support.guide import Reader, blocks_of


@pytest.fixture
def reader(tmp_path):
    someone = Reader(tmp_path)
    someone.environment["HOLDFAST_NODE"] = someone.here("http://127.0.0.1:9021")
    yield someone
    someone.stop()


def test_the_guide_works_as_it_is_written(reader):
    blocks = blocks_of("secure-a-cluster.md")
    assert len(blocks) >= 8
    said = ""
    for _, text in blocks:
        if "holdfast node" in text:
            more = " --listen 127.0.0.1:9021 --mount-root /mnt --disable-mlock"
            reader.start(text.rstrip() + more, address="127.0.0.1:9021")
        else:
            said += reader.type(text)
    # What must be refused is: the shell goes on after `! command`, whichever way that ends.
    for refused in ("volume inspect data --context bob", "volume list --context bob"):
        reader.type(f"hfctl {refused} && exit 1 || test $? = 2")
    assert "Guest" not in said
    assert "bob  Write" in said
    assert "team  Read" in said
    assert "team.reader" in said
    for name in ("system-secret", "stork-secret", "shared-secret"):
        secret = (reader.directory / "keys" / name).read_text()
        assert len(secret) == 64
        assert secret not in said
