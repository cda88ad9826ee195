"""Users of a store under test: made, granted, logged in."""

from urllib.parse import quote

from holdfast.tokens.rsa_key import RsaSigningKey

PASSWORD = "correct-horse-7f3a"
SERVICE_KEY = RsaSigningKey.generate()
"""The key of every service account in the tests; making one takes time."""


def make_user(store, uid, *, password=PASSWORD, **further):
    """Make a person."""
    answer = store.acs("PUT", f"users/{uid}", {"password": password, **further})
    assert answer.status == 201, answer.body
    return uid


def make_service(store, uid, *, key=SERVICE_KEY):
    """Make a service account."""
    public = key.verifying_key().pem().decode()
    answer = store.acs("PUT", f"users/{uid}", {"public_key": public})
    assert answer.status == 201, answer.body
    return uid


def log_in(store, uid, password=PASSWORD):
    """Log in with a password; return the whole answer."""
    return store.acs("POST", "auth/login", {"uid": uid, "password": password}, token="")


def token_of(store, uid, password=PASSWORD):
    """Log in and return the token."""
    answer = log_in(store, uid, password)
    assert answer.status == 200, answer.body
    return answer.json["token"]


def rid_in_path(rid):
    """Write a rid as DC/OS clients put it into an address."""
    return quote(rid.replace("/", "%2F"), safe=":*")


def grant(store, rid, subject, action="full"):
    """Grant as the command line of DC/OS does: make the ACL, whether or not it is there, then grant on it."""
    path = f"acls/{rid_in_path(rid)}"
    assert store.acs("PUT", path, {"description": ""}).status in {201, 409}
    answer = store.acs("PUT", f"{path}/{subject}/{action}")
    assert answer.status == 204, answer.body


def user_with(store, uid, *rids, action="full"):
    """Make a user who was granted ``rids``; return his token."""
    make_user(store, uid)
    for rid in rids:
        grant(store, rid, f"users/{uid}", action)
    return token_of(store, uid)
