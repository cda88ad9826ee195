"""docs/namespaces.md, carried out: every line of it works in the order in which it is written."""

from tests.support.guide import Reader, blocks_of
from tests.support.store_process import StoreProcess


def test_the_guide_works_as_it_is_written(tmp_path):
    for place in ("store", "work"):
        (tmp_path / place).mkdir(mode=0o700)
    reader = Reader(tmp_path / "work")
    with StoreProcess(tmp_path / "store") as store:
        store.initialize()
        reader.environment["HOLDFAST_ADDR"] = store.url
        reader.type("holdfast login", stdin=store.root_token)
        printed = "".join(
            reader.type(text) for language, text in blocks_of("namespaces.md") if language == "sh"
        )
    for answer in ("not in the root namespace", "not in the team's own secrets", "locked", "gone"):
        assert f"{answer}\n" in printed, answer
    assert printed.count("battery-staple") == 3
