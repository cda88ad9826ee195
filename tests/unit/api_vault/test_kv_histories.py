"""Random histories of secrets in HTTP, against a model: every answer is foretold, and none is a 5xx."""

from dataclasses import dataclass, field
from urllib.parse import quote

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from tests.support.local_store import StoreUnderTest

MERGE = ("Content-Type: application/merge-patch+json",)
PATHS = ["a", "a/b", "ü &c"]
KEPT = 3

paths = st.sampled_from(PATHS)
numbers = st.lists(st.integers(0, 6), max_size=3)
values = st.one_of(
    st.none(), st.integers(), st.text(max_size=3), st.dictionaries(st.sampled_from("xy"), st.integers())
)
maps = st.dictionaries(st.sampled_from(["k", "l", "ö"]), values, max_size=3)


@dataclass
class Secret:
    versions: dict = field(default_factory=dict)  # number to data; None once destroyed
    deleted: set = field(default_factory=set)
    current: int = 0
    cas_required: bool = False
    notes: dict | None = None

    def live(self, number):
        return self.versions.get(number) is not None and number not in self.deleted


def merged(target, patch):
    if not isinstance(patch, dict):
        return patch
    target = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            target.pop(name, None)
        else:
            target[name] = merged(target.get(name), value)
    return target


class Histories(RuleBasedStateMachine):
    @initialize()
    def begin(self):
        self.store = StoreUnderTest().initialize()
        self.secrets = {}
        assert self.ask("POST", "config", {"max_versions": KEPT}).status == 204

    def ask(self, method, path, body=None, **more):
        answer = self.store.vault(method, f"secret/{path}", body, token=self.store.root, **more)
        assert answer.status < 500, (method, path, body, answer.body)
        return answer

    def at(self, section, path):
        return f"{section}/{quote(path)}"

    def added(self, path, data):
        secret = self.secrets.setdefault(path, Secret())
        secret.current += 1
        secret.versions[secret.current] = data
        secret.versions = {n: v for n, v in secret.versions.items() if n > secret.current - KEPT}
        return secret.current

    def foretold(self, path, cas):
        """Return the refusal of a write, or None."""
        secret = self.secrets.get(path, Secret())
        if cas is None:
            return "check-and-set parameter required for this call" if secret.cas_required else None
        return None if cas == secret.current else "check-and-set parameter did not match the current version"

    @rule(path=paths, data=maps, cas=st.none() | st.integers(0, 4), as_text=st.booleans())
    def put(self, path, data, cas, as_text):
        options = {} if cas is None else {"cas": str(cas) if as_text else cas}
        answer = self.ask("PUT", self.at("data", path), {"data": data, "options": options})
        refusal = self.foretold(path, cas)
        if refusal:
            assert (answer.status, answer.errors) == (400, [refusal])
        else:
            assert answer.status == 200
            assert answer.data["version"] == self.added(path, data)

    @rule(path=paths, patch=maps, cas=st.none() | st.integers(0, 4))
    def patch(self, path, patch, cas):
        options = {} if cas is None else {"cas": cas}
        answer = self.ask("PATCH", self.at("data", path), {"data": patch, "options": options}, headers=MERGE)
        secret = self.secrets.get(path)
        if secret is None:
            assert (answer.status, answer.json) == (404, {"errors": []})
        elif refusal := self.foretold(path, cas):
            assert (answer.status, answer.errors) == (400, [refusal])
        elif secret.live(secret.current):
            assert answer.status == 200
            assert answer.data["version"] == self.added(path, merged(secret.versions[secret.current], patch))
        else:
            assert answer.status == 404

    @rule(path=paths)
    def delete(self, path):
        assert self.ask("DELETE", self.at("data", path)).status == 204
        if path in self.secrets:
            secret = self.secrets[path]
            if secret.live(secret.current):
                secret.deleted.add(secret.current)

    @rule(
        path=paths,
        versions=numbers,
        call=st.sampled_from(["delete", "undelete", "destroy"]),
        as_text=st.booleans(),
    )
    def change_versions(self, path, versions, call, as_text):
        sent = [str(number) for number in versions] if as_text else versions
        answer = self.ask("POST", self.at(call, path), {"versions": sent})
        if not versions:
            assert answer.status == 400
            return
        assert answer.status == 204
        secret = self.secrets.get(path)
        for number in versions if secret else ():
            if number not in secret.versions:
                continue
            if call == "destroy":
                secret.versions[number] = None
            elif secret.versions[number] is not None:
                (secret.deleted.add if call == "delete" else secret.deleted.discard)(number)

    @rule(
        path=paths,
        required=st.none() | st.booleans(),
        notes=st.none() | st.dictionaries(st.sampled_from("mn"), st.sampled_from("uv")),
    )
    def write_metadata(self, path, required, notes):
        body = {"cas_required": required} if required is not None else {}
        body |= {"custom_metadata": notes} if notes is not None else {}
        assert self.ask("PUT", self.at("metadata", path), body).status == 204
        if body:
            secret = self.secrets.setdefault(path, Secret())
            secret.cas_required = secret.cas_required if required is None else required
            secret.notes = secret.notes if notes is None else notes

    @rule(path=paths)
    def erase(self, path):
        assert self.ask("DELETE", self.at("metadata", path)).status == 204
        self.secrets.pop(path, None)

    @rule(
        path=paths,
        junk=st.sampled_from([{"data": 7}, {"data": []}, {"versions": "x"}, {"options": 1, "data": {}}, {}]),
        section=st.sampled_from(["data", "delete", "destroy", "undelete"]),
    )
    def ask_for_nonsense(self, path, junk, section):
        assert self.ask("PUT", self.at(section, path), junk).status == 400

    @rule(path=paths, number=st.integers(0, 6))
    def read(self, path, number):
        answer = self.ask("GET", f"{self.at('data', path)}?version={number}")
        secret = self.secrets.get(path, Secret())
        number = number or secret.current
        if number not in secret.versions:
            assert (answer.status, answer.json) == (404, {"errors": []})
            return
        assert answer.data["metadata"]["version"] == number
        assert answer.data["metadata"]["custom_metadata"] == secret.notes
        if secret.live(number):
            assert (answer.status, answer.data["data"]) == (200, secret.versions[number])
        else:
            assert (answer.status, answer.data["data"]) == (404, None)

    @invariant()
    def metadata_and_listings_say_what_is_there(self):
        if not hasattr(self, "store"):
            return
        for path, secret in self.secrets.items():
            metadata = self.ask("GET", self.at("metadata", path)).data
            assert metadata["current_version"] == secret.current
            assert [int(number) for number in metadata["versions"]] == sorted(secret.versions)
        names = {path.split("/")[0] + ("/" if "/" in path else "") for path in self.secrets}
        listed = self.ask("LIST", "metadata")
        assert (listed.data["keys"] if listed.status == 200 else []) == sorted(names)
        scanned = self.ask("SCAN", "metadata")
        live = sorted(path for path, secret in self.secrets.items() if secret.live(secret.current))
        assert (scanned.data["keys"] if scanned.status == 200 else []) == live
        read = self.store.vault(
            "POST", "sys/kv/bulk-read", {"paths": [f"secret/data/{p}" for p in PATHS]}, token=self.store.root
        )
        assert [entry["status"] for entry in read.data["results"]] == [
            200 if path in live else 404 for path in PATHS
        ]


TestHistories = Histories.TestCase
TestHistories.settings = settings(max_examples=15, stateful_step_count=25, deadline=None)
