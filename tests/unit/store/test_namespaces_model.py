"""Random histories of namespaces are foretold by a model: who reaches what, after whatever came before."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule
from tests.support.local_store import StoreUnderTest
from tests.support.namespaces import In, everything_in

NAMES = st.sampled_from("ab")
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
RULES = {"secret/*": ["read"], "+/secret/*": ["read"], "+/+/secret/*": ["read"]}


class Namespaces(RuleBasedStateMachine):
    """A store with namespaces, beside what should be in it.

    ``alive`` maps paths to a number, another one for each namespace that ever was there; a token comes with
    the path and the number of the namespace that it was made in.
    """

    tokens = Bundle("tokens")

    @initialize()
    def begin(self):
        self.store = StoreUnderTest().initialize()
        self.local_store_keys = everything_in(self.store.storage)
        self.alive: dict[str, int] = {}
        self.locked: dict[str, str] = {}
        self.made = 0
        self.revoked: set[str] = set()

    def status(self, path, method="GET", what="secret/data/x", token=None, body=None):
        return In(self.store, path, prefix=self.made % 2 == 1).ask(method, what, body, token=token)

    def above(self, path):
        return path.rpartition("/")[0]

    def is_reachable(self, path):
        return path in self.alive and not any(f"{path}/".startswith(f"{locked}/") for locked in self.locked)

    @rule(path=PATHS)
    def create(self, path):
        parent, _, name = path.rpartition("/")
        ask = f"{parent}/sys/namespaces/{name}".lstrip("/")
        answer = self.store.vault("POST", ask, token=self.store.root)
        if not parent or self.is_reachable(parent):
            assert answer.status == 200
            if path not in self.alive:
                self.made += 1
                self.alive[path] = self.made
                inside = In(self.store, path)
                inside.mount()
                inside.ask("PUT", "secret/data/x", {"data": {"k": str(self.made)}})
                inside.policy("p", RULES)
        else:
            assert answer.status in {403, 404, 503}

    @rule(path=PATHS)
    def delete(self, path):
        parent, _, name = path.rpartition("/")
        ask = f"{parent}/sys/namespaces/{name}".lstrip("/")
        answer = self.store.vault("DELETE", ask, token=self.store.root)
        if parent and not self.is_reachable(parent):
            assert answer.status in {403, 404, 503}
        elif any(other.startswith(f"{path}/") for other in self.alive):
            assert answer.status == 400
        else:
            assert answer.status == 200
            self.alive.pop(path, None)
            self.locked.pop(path, None)

    @rule(target=tokens, path=PATHS, kind=st.sampled_from(["service", "batch"]))
    def make_token(self, path, kind):
        if not self.is_reachable(path):
            return multiple()
        text = In(self.store, path).token("p", type=kind, ttl="1h", no_parent=True)
        return (text, path, self.alive[path], kind)

    @rule(token=tokens)
    def revoke(self, token):
        text, path, number, kind = token
        if kind == "service" and self.alive.get(path) == number and self.is_reachable(path):
            assert self.status(path, "POST", "auth/token/revoke", body={"token": text}).status == 204
            self.revoked.add(text)

    @rule(path=PATHS)
    def lock(self, path):
        if path in self.alive and self.is_reachable(path):
            answer = self.store.vault("POST", f"sys/namespaces/api-lock/lock/{path}", token=self.store.root)
            self.locked[path] = answer.data["unlock_key"]

    @rule()
    def unlock_all(self):
        for path, key in self.locked.items():
            ask = f"sys/namespaces/api-lock/unlock/{path}"
            answer = self.store.vault("POST", ask, {"unlock_key": key}, token=self.store.root)
            assert answer.status == 204
        self.locked.clear()

    @rule()
    def restart(self):
        self.store.restart()

    @rule()
    def tick(self):
        self.store.local.keeper.tick()

    @rule(token=tokens, path=PATHS)
    def read(self, token, path):
        text, home, number, _ = token
        answer = self.status(path, token=text)
        lives = self.alive.get(home) == number and text not in self.revoked
        reaches = f"{path}/".startswith(f"{home}/") and path.count("/") - home.count("/") <= 2
        if not self.is_reachable(path):
            assert answer.status in {403, 404, 503}
        elif lives and reaches:
            assert answer.data["data"]["k"] == str(self.alive[path])
        else:
            assert answer.status == 403

    @invariant()
    def what_is_listed_is_there(self):
        answer = self.store.vault("SCAN", "sys/namespaces", token=self.store.root)
        listed = answer.data["keys"] if answer.status == 200 else []
        assert listed == sorted(f"{path}/" for path in self.alive)

    def teardown(self):
        if not hasattr(self, "store"):
            return
        self.unlock_all()
        for path in sorted(self.alive, key=len, reverse=True):
            self.delete(path)
        for _ in range(3):
            self.store.local.keeper.tick()
        assert everything_in(self.store.storage) == self.local_store_keys


TestNamespacesModel = Namespaces.TestCase
TestNamespacesModel.settings = settings(max_examples=12, stateful_step_count=25, deadline=None)
