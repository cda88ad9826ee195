"""docs/kv.md, carried out: every command in order, against a store; and its policy does what it says."""

from tests.support.guide import Reader, blocks_of
from tests.support.store_process import StoreProcess


def test_the_guide_works_as_it_is_written(tmp_path):
    work = tmp_path / "work"
    work.mkdir()
    (work / "password.txt").write_text("correct-horse-7f3a")
    (work / "url.txt").write_text("redis://cache")
    store = StoreProcess(tmp_path, tls=True)
    with store:
        store.initialize()
        reader = Reader(work)
        reader.environment |= {
            "HOLDFAST_ADDR": store.url,
            "HOLDFAST_CACERT": str(store.certificate),
            "HOLDFAST_TOKEN": store.root_token,
        }
        printed = {}
        for language, text in blocks_of("kv.md"):
            if language == "sh":
                printed[text] = reader.type(text)
            else:
                searcher(store, reader, text)
    said = "".join(printed.values())
    assert said.count('"status":404') == 1
    assert "secret/team/cache" in said
    assert "redis://cache" in said


def searcher(store, reader, policy):
    """Somebody with the policy of the guide finds names and reads nothing."""
    root = store.client()
    root.put_policy("searcher", policy)
    token = root.create_token(policies=["searcher"])["client_token"]
    mine = f"HOLDFAST_TOKEN={token}"
    assert "secret/team/db" in reader.type(f"{mine} holdfast kv search -below=secret/team")
    told = reader.type(f"{mine} holdfast kv read-many secret/team/db 2>&1 || true")
    assert "permission denied" in told
