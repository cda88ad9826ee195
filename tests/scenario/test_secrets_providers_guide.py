"""docs/secrets-providers.md, carried out: what it has people type for Vault, the cluster-wide key, scopes."""

from tests.support.guide import Reader, blocks_of
from tests.support.store_process import StoreProcess


def test_the_guide_works_as_it_is_written(tmp_path):
    for place in ("store", "work"):
        (tmp_path / place).mkdir(mode=0o700)
    reader = Reader(tmp_path / "work")
    printed = ""
    with StoreProcess(tmp_path / "store") as store:
        store.initialize()
        reader.environment["HOLDFAST_ADDR"] = store.url
        reader.type("holdfast login", stdin=store.root_token)
        try:
            for language, text in blocks_of("secrets-providers.md"):
                assert language == "sh"
                if "holdfast node" in text:
                    more = " --listen 127.0.0.1:9021 --disable-mlock"
                    reader.start(text.rstrip() + more, address="127.0.0.1:9021")
                else:
                    printed += reader.type(text)
        finally:
            reader.stop()
    for line in ("Successfully set cluster secret key", "approle", "second-key version", "teams/{group}"):
        assert line in printed, line
