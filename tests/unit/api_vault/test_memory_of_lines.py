"""Whoever has no token fills no memory with long lines: what is remembered of requests is short."""

import gc
import tracemalloc

import pytest
from tests.support.local_store import StoreUnderTest

REQUESTS = 200
LONG = "x" * 7000


@pytest.mark.parametrize(
    "ask",
    [
        lambda store, n: store.vault("GET", f"secret/data/a?after={LONG}{n}"),
        lambda store, n: store.vault(
            "GET", "secret/data/a", headers=(f"X-Vault-Namespace: {'/' * 7000}{n}",)
        ),
        lambda store, n: store.dcos("GET", f"secret/default/a?list={LONG}{n}"),
    ],
    ids=["a query", "a namespace", "a query of another dialect"],
)
def test_long_lines_leave_nothing_behind(ask):
    store = StoreUnderTest().initialize()
    ask(store, -1)
    tracemalloc.start()
    try:
        for n in range(REQUESTS):
            assert ask(store, n).status in {400, 401, 403, 404}
        gc.collect()
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < REQUESTS * len(LONG) / 2
