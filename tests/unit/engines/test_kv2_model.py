"""Random histories of one mount, against a model that is too simple to be wrong in the same way.

The model keeps every payload ever written and works out every answer from scratch.
"""

import json
from dataclasses import dataclass, field

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from tests.support.dict_transaction import DictTransaction

from holdfast.engines import kv2
from holdfast.engines.kv2 import MetadataChange, Precondition
from holdfast.errors import ConflictError, InvalidInputError, NotFoundError

PATHS = ["a", "a/b", "b"]
paths = st.sampled_from(PATHS)
numbers = st.lists(st.integers(0, 5), min_size=1, max_size=4)


@dataclass
class ModelVersion:
    data: dict
    deleted_at: float = 0.0
    destroyed: bool = False


@dataclass
class ModelSecret:
    versions: dict = field(default_factory=dict)
    current: int = 0
    max_versions: int = 0
    delete_after: int = 0

    def live(self, number, now):
        version = self.versions.get(number)
        return version and not version.destroyed and not 0 < version.deleted_at <= now


class VersionedSecrets(RuleBasedStateMachine):
    @initialize()
    def begin(self):
        self.mount = DictTransaction()
        self.model = {}
        self.now = 1_700_000_000.0
        self.mount_max = 0

    def add(self, path, data):
        secret = self.model.setdefault(path, ModelSecret())
        secret.current += 1
        deleted_at = self.now + secret.delete_after if secret.delete_after else 0.0
        secret.versions[secret.current] = ModelVersion(data, deleted_at)
        keep = max(secret.max_versions, self.mount_max) or 10
        secret.versions = {n: v for n, v in secret.versions.items() if n > secret.current - keep}

    @rule(seconds=st.integers(0, 40))
    def wait(self, seconds):
        self.now += seconds

    @rule(path=paths, value=st.integers(), cas=st.none() | st.integers(0, 5))
    def write(self, path, value, cas):
        current = self.model.get(path, ModelSecret()).current
        payload = json.dumps({"v": value}).encode()
        if cas not in {None, current}:
            with pytest.raises(ConflictError):
                kv2.write(self.mount, path, payload, now=self.now, cas=cas)
            return
        assert kv2.write(self.mount, path, payload, now=self.now, cas=cas).number == current + 1
        self.add(path, {"v": value})

    @rule(path=paths, precondition=st.sampled_from([Precondition.MUST_BE_ABSENT, Precondition.MUST_EXIST]))
    def write_if(self, path, precondition):
        secret = self.model.get(path, ModelSecret())
        is_live = bool(secret.live(secret.current, self.now))
        if is_live == (precondition is Precondition.MUST_BE_ABSENT):
            with pytest.raises(ConflictError if is_live else NotFoundError):
                kv2.write(self.mount, path, b"{}", now=self.now, precondition=precondition)
            return
        kv2.write(self.mount, path, b"{}", now=self.now, precondition=precondition)
        self.add(path, {})

    @rule(path=paths, name=st.sampled_from(["v", "w"]), value=st.none() | st.integers())
    def patch(self, path, name, value):
        secret = self.model.get(path, ModelSecret())
        payload = json.dumps({name: value}).encode()
        if not secret.live(secret.current, self.now):
            with pytest.raises(NotFoundError):
                kv2.patch(self.mount, path, payload, now=self.now)
            return
        kv2.patch(self.mount, path, payload, now=self.now)
        merged = {**secret.versions[secret.current].data, name: value}
        self.add(path, {key: kept for key, kept in merged.items() if key != name or kept is not None})

    @rule(path=paths)
    def delete_current(self, path):
        secret = self.model.get(path, ModelSecret())
        is_live = bool(secret.live(secret.current, self.now))
        assert kv2.delete_current(self.mount, path, now=self.now) is is_live
        if is_live:
            secret.versions[secret.current].deleted_at = self.now

    @rule(path=paths, chosen=numbers)
    def delete(self, path, chosen):
        kv2.delete_versions(self.mount, path, chosen, now=self.now)
        secret = self.model.get(path, ModelSecret())
        for number in chosen:
            if secret.live(number, self.now):
                secret.versions[number].deleted_at = self.now

    @rule(path=paths, chosen=numbers)
    def undelete(self, path, chosen):
        kv2.undelete_versions(self.mount, path, chosen, now=self.now)
        secret = self.model.get(path, ModelSecret())
        for number in chosen:
            if number in secret.versions and not secret.versions[number].destroyed:
                again = self.now + secret.delete_after if secret.delete_after else 0.0
                secret.versions[number].deleted_at = again

    @rule(path=paths, chosen=numbers)
    def destroy(self, path, chosen):
        kv2.destroy_versions(self.mount, path, chosen)
        secret = self.model.get(path, ModelSecret())
        for number in chosen:
            if number in secret.versions:
                secret.versions[number].destroyed = True

    @rule(path=paths)
    def erase(self, path):
        kv2.erase(self.mount, path)
        self.model.pop(path, None)

    @rule(path=paths, max_versions=st.integers(0, 4), delete_after=st.sampled_from([0, 30]))
    def change_settings(self, path, max_versions, delete_after):
        change = MetadataChange(max_versions=max_versions, delete_version_after=delete_after)
        kv2.write_metadata(self.mount, path, change, now=self.now)
        secret = self.model.setdefault(path, ModelSecret())
        secret.max_versions, secret.delete_after = max_versions, delete_after

    @rule(max_versions=st.integers(0, 4))
    def change_mount(self, max_versions):
        kv2.write_config(self.mount, max_versions=max_versions)
        self.mount_max = max_versions

    @rule(path=paths)
    def refuse_nonsense(self, path):
        with pytest.raises(InvalidInputError):
            kv2.write(self.mount, path, b"[]", now=self.now)

    @invariant()
    def every_version_reads_as_the_model_says(self):
        for path in PATHS:
            secret = self.model.get(path, ModelSecret())
            for number in range(secret.current + 2):
                wanted = number or secret.current
                if wanted not in secret.versions:
                    with pytest.raises(NotFoundError):
                        kv2.read(self.mount, path, now=self.now, version=number)
                    continue
                found = kv2.read(self.mount, path, now=self.now, version=number)
                assert found.number == wanted
                if secret.live(wanted, self.now):
                    assert json.loads(found.payload) == secret.versions[wanted].data
                else:
                    assert found.payload is None

    @invariant()
    def listings_name_exactly_what_is_there(self):
        live = [path for path, secret in self.model.items() if secret.live(secret.current, self.now)]
        assert kv2.list_live_below(self.mount, "", now=self.now).names == sorted(live)
        names = {path for path in self.model if "/" not in path} | ({"a/"} if "a/b" in self.model else set())
        assert kv2.list_names(self.mount, "") == sorted(names)

    @invariant()
    def nothing_is_stored_that_nothing_refers_to(self):
        older = {
            f"s/{path}\x01/{number}"
            for path, secret in self.model.items()
            for number, version in secret.versions.items()
            if number != secret.current and not version.destroyed
        }
        assert {key for key in self.mount.entries if "\x01" in key} == older


TestVersionedSecrets = VersionedSecrets.TestCase
TestVersionedSecrets.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
