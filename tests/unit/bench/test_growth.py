"""The benchmarks of size: what they write is what they ask for, and how their figures are shown."""

import re
import xml.etree.ElementTree as ET
from functools import partial

from bench.filling import fill
from bench.growth import Size, storage_bytes
from bench.memory import Memory
from bench.plot import Curve, Panel, draw
from bench.population import populate
from bench.report import growth_plot, growth_table, weight_table
from bench.weight import weight_of
from bench.workload import Workload
from bench.wrk import walk_plan_text
from tests.support.local_store import StoreUnderTest

from holdfast.errors import HoldfastError
from holdfast.storage.lmdb_engine import LmdbStorage


def size(secrets, **figures):
    others = dict.fromkeys(set(Size.__dataclass_fields__) - {"secrets", *figures}, 1_000_000)
    return Size(secrets=secrets, **others, **figures)


def test_what_the_engine_filled_in_is_what_the_plan_asks_for(tmp_path):
    load = Workload(secrets=60, tokens=40)
    storage = LmdbStorage(tmp_path / "data")
    founded = StoreUnderTest(storage=storage).initialize(shares=1, threshold=1)
    tokens = populate(partial(call, founded), Workload(secrets=0, tokens=40), parallel=1)
    storage.close()
    fill(
        tmp_path / "data",
        founded.shares[0],
        load.mount,
        ((load.name(number), load.body(number)["data"]) for number in range(load.secrets)),
    )
    assert storage_bytes(tmp_path / "data") > 0

    reopened = StoreUnderTest(storage=LmdbStorage(tmp_path / "data"))
    assert reopened.vault("PUT", "sys/unseal", {"key": founded.shares[0]}).status == 200
    assert walk_plan_text(load, tokens).count("hvs.") == load.tokens
    for number in range(load.secrets):
        found = reopened.vault("GET", load.path(number), token=tokens[load.token_of(number)])
        assert found.data["data"] == load.body(number)["data"]
    reopened.storage.close()


def test_what_came_with_the_secrets_is_counted_for_100_000_of_them():
    weight = weight_of("a", 50_000, Memory(30_000_000, 10_000_000), Memory(80_000_000, 20_000_000))
    assert weight.per_100_000 == 100_000_000
    assert weight_table([weight]).splitlines()[1].split() == ["a", "50,000", "30.0", "80.0", "20.0", "100.0"]


def test_a_table_has_a_line_and_a_plot_a_point_for_each_size():
    sizes = [size(10**power, p50_ms=1.5, p99_ms=20.0, list_p50_ms=3.0, ready_ms=800.0) for power in (3, 4, 5)]
    assert len(growth_table(sizes).splitlines()) == 4
    picture = ET.fromstring(growth_plot(sizes))
    lines = picture.findall(".//{http://www.w3.org/2000/svg}polyline")
    assert len(lines) == 7
    assert all(len(line.attrib["points"].split()) == 3 for line in lines)


def test_equal_ratios_are_equally_far_apart():
    picture = draw([1, 10, 100], [Panel("a", [Curve("b", [1.0, 10.0, 100.0])])], unit="c")
    points = re.search(r'points="([^"]+)"', picture)[1]
    (x, y), *others = [[float(part) for part in point.split(",")] for point in points.split()]
    steps = [(a - x, y - b) for a, b in others]
    assert steps[1] == (2 * steps[0][0], 2 * steps[0][1])
    assert min(steps[0]) > 0


def call(store, method, path, body):
    answer = store.vault(method, path, body, token=store.root)
    if answer.status >= 300:
        raise HoldfastError(f"{method} {path}: {answer.status}")
    return answer.json if answer.body else {}
