"""Auth methods of a store under test: mount one, write what it needs, log in."""


def enable(store, kind, path=None, **config):
    """Mount a method; return its path."""
    path = path or kind
    answer = store.vault("POST", f"sys/auth/{path}", {"type": kind, "config": config}, token=store.root)
    assert answer.status == 204, answer.body
    return path


def write(store, path, token=None, **fields):
    """Write below ``auth/`` as root; return the answer, which must be no refusal."""
    answer = store.vault("POST", f"auth/{path}", fields, token=token or store.root)
    assert answer.status < 300, answer.body
    return answer


def read(store, path):
    """Read below ``auth/`` as root; return the data."""
    answer = store.vault("GET", f"auth/{path}", token=store.root)
    assert answer.status == 200, answer.body
    return answer.data


def login(store, path, **fields):
    """Try to log in without a token; return the answer."""
    return store.vault("POST", f"auth/{path}", fields)


def logged_in(store, path, **fields):
    """Log in; return the ``auth`` part of the answer."""
    answer = login(store, path, **fields)
    assert answer.status == 200, answer.body
    return answer.auth


def about(store, token):
    """Return what a token is, as its holder sees it."""
    answer = store.vault("GET", "auth/token/lookup-self", token=token)
    assert answer.status == 200, answer.body
    return answer.data
