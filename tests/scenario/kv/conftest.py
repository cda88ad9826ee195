"""One store for every file here, with the mounts that the file names."""

from collections.abc import Iterator

import pytest
from tests.support.kv_stories import Talk
from tests.support.store_process import StoreProcess


@pytest.fixture(scope="module")
def talk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Talk]:
    with StoreProcess(tmp_path_factory.mktemp("kv"), workers=1) as store:
        store.initialize()
        talk = Talk(store)
        for path, (kind, config) in getattr(request.module, "MOUNTS", {}).items():
            assert talk.ask("POST", f"sys/mounts/{path}", {"type": kind}).status == 204
            if config is not None:
                assert talk.ask("POST", f"{path}/config", config).status == 204
        yield talk
        talk.connection.close()
