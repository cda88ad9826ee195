"""docs/roles-and-ownership.md, carried out: every block in order, on a real storage node."""

import pytest
from tests.support.guide import Reader, blocks_of


@pytest.fixture
def reader(tmp_path):
    someone = Reader(tmp_path)
    someone.environment["HOLDFAST_NODE"] = someone.here("http://127.0.0.1:9021")
    yield someone
    someone.stop()


def test_the_guide_works_as_it_is_written(reader):
    blocks, said = blocks_of("roles-and-ownership.md"), ""
    assert len(blocks) >= 7
    for _, text in blocks:
        if "holdfast node" in text:
            more = " --listen 127.0.0.1:9021 --disable-mlock"
            reader.start(text.rstrip() + more, address="127.0.0.1:9021")
        else:
            said += reader.type(text)
    assert "role team.reader, rule 1" in said
    assert "Guest access disabled successfully" in said
    assert "bob  Write" in said
    assert "orphan" in said
    reader.type("hfctl volume delete data --context carol && exit 1 || test $? = 2")
