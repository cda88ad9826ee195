"""What a visitor does on the web page, and what the store behind it is asked beside it."""

from urllib.parse import quote

from tests.support.iam import rid_in_path
from tests.support.store_talk import ask

SECRET = "/secrets/v1/secret/default"
PASSWORD = "correct-horse-7f3a"
MOST_BYTES = 4096


def api(store, method, path, body=None, *, token=None, **headers):
    """Ask the store by its own API, as root unless another token is given."""
    credential = store.root_token if token is None else token
    return ask(
        store, method, path, body, token="", headers={"Authorization": f"token={credential}"} | headers
    )


def grant(store, rid, uid, action="full"):
    path = f"/acs/api/v1/acls/{rid_in_path(rid)}"
    assert api(store, "PUT", path, {"description": ""}).status in {201, 409}
    assert api(store, "PUT", f"{path}/users/{uid}/{action}").status == 204


def put(store, name, value="v"):
    assert api(store, "PUT", f"{SECRET}/{quote(name)}", {"value": value}).status == 201


def value_of(store, name):
    return api(store, "GET", f"{SECRET}/{quote(name)}", Accept="*/*")


def log_in(browser, uid, password=PASSWORD):
    browser.fill("User", uid)
    browser.fill("Password", password)
    browser.press("Sign in")


def use_token(browser, token):
    browser.press("Token")
    browser.fill("Token", token)
    browser.press("Sign in")


def go(browser, address):
    browser.driver.execute_script("location.hash = arguments[0]", address)
