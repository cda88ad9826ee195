"""Namespaces of a store under test, spoken to in either form; and all that lies in its storage."""

import json

from holdfast.storage.interface import Reader
from holdfast.storage.walk import walk


class In:
    """A store under test as seen from one of its namespaces, with a token of the root unless told.

    Args:
        store: the store.
        path: of the namespace, such as ``team/db``.
        prefix: whether requests name it in their path rather than in a header.
    """

    def __init__(self, store, path, *, prefix=False):
        self.store = store
        self.path = path
        self.prefix = prefix

    def ask(self, method, path, body=None, *, token=None, headers=()):
        token = self.store.root if token is None else token
        if self.prefix:
            return self.store.vault(method, f"{self.path}/{path}", body, token=token, headers=headers)
        named = (f"X-Vault-Namespace: {self.path}",)
        return self.store.vault(method, path, body, token=token, headers=(*headers, *named))

    def policy(self, name, rules):
        blocks = (f'path "{path}" {{ capabilities = {json.dumps(can)} }}' for path, can in rules.items())
        answer = self.ask("PUT", f"sys/policies/acl/{name}", {"policy": "\n".join(blocks)})
        assert answer.status == 204, answer.body
        return name

    def token(self, *policies, by=None, **wanted):
        made = self.ask("POST", "auth/token/create", {"policies": list(policies), **wanted}, token=by)
        assert made.status == 200, made.body
        return made.auth["client_token"]

    def mount(self, path="secret", kind="kv-v2"):
        answer = self.ask("POST", f"sys/mounts/{path}", {"type": kind})
        assert answer.status == 204, answer.body


def create(store, path, *, prefix=False, mount=True):
    """Make a namespace, in one that is there, with a key-value mount; return it as ``In``."""
    parent, _, name = path.rpartition("/")
    made = store.vault("POST", f"{parent}/sys/namespaces/{name}".lstrip("/"), token=store.root)
    assert made.status == 200, made.body
    inside = In(store, path, prefix=prefix)
    if mount:
        inside.mount()
    return inside


def everything_in(storage: Reader):
    """Return every key of a storage."""
    return list(walk(storage))
