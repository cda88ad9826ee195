"""Three stores over three ZooKeeper servers, killed and frozen at random: callers are never told a lie.

Each key behaves as one register would, whichever store is asked; no acknowledged write is lost; writes flow
again soon. This is the short form of `./dev cluster`.
"""

import pytest
from tests.cluster.__main__ import table
from tests.cluster.measure import MOST_SECONDS
from tests.cluster.proof import run

SECONDS = 20


@pytest.mark.timeout(300)
def test_a_cluster_that_is_struck_at_random_tells_its_callers_the_truth(tmp_path):
    verdict = run(tmp_path, seconds=SECONDS, seed=20261129, measurements=1)
    print(table(verdict))
    assert verdict.is_good, table(verdict)
    assert verdict.strikes.keys() >= {"kill -9 of the leader", "SIGSTOP of a store", "SIGSTOP of the leader"}
    assert min(verdict.calls_of_key.values()) > 5
    assert verdict.acknowledged > 5
    assert verdict.outcomes["write done"] > 20
    assert max(verdict.leader_killed + verdict.store_killed_others) < MOST_SECONDS, "writes flow again"
