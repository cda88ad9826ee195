"""The messages' classes are what the ``.proto`` files say, and nobody has edited them by hand."""

from tests.support.protos import PROTOS, SOURCE, generate


def test_the_generated_classes_are_not_stale(tmp_path):
    fresh = {path.name: path.read_bytes() for path in generate(tmp_path)}
    kept = {path.name: path.read_bytes() for path in (SOURCE / PROTOS).glob("*_pb2.py*")}
    stale = sorted(name for name in fresh | kept if fresh.get(name) != kept.get(name))
    assert not stale, "run ./dev protos"
    assert len(fresh) > 20
