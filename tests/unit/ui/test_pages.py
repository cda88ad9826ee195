"""The page's files on the wire: right types, strict headers, nothing kept, and no way to any other file."""

import json
import re
from importlib.resources import files

import pytest

from holdfast.ui.assets import POLICY
from holdfast.ui.pages import Pages
from holdfast.version import VERSION

STATIC = files("holdfast.ui").joinpath("static")
NAMES = sorted(file.name for file in STATIC.iterdir())
TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
EVERY_ANSWER = [
    pytest.param("/ui/", "GET", 200, id="document"),
    pytest.param("/ui/main.js", "GET", 200, id="script"),
    pytest.param("/ui/settings.json", "GET", 200, id="settings"),
    pytest.param("/ui/", "HEAD", 200, id="head"),
    pytest.param("/", "GET", 307, id="redirect"),
    pytest.param("/ui/nothing", "GET", 404, id="not-there"),
    pytest.param("/ui/", "POST", 405, id="method"),
    pytest.param("/", "DELETE", 405, id="method-on-the-root"),
    pytest.param("/ui/nothing", "PUT", 405, id="method-on-nothing"),
]


@pytest.mark.parametrize("name", NAMES)
def test_a_file_goes_out_as_it_is_with_its_type(ask, name):
    answer, _ = ask(f"/ui/{name}")
    assert answer.status == 200
    assert answer.body == STATIC.joinpath(name).read_bytes()
    assert answer.headers["Content-Type"] == TYPES[name.rpartition(".")[2]]


def test_the_folder_is_the_document(ask):
    assert ask("/ui/")[0].body == ask("/ui/index.html")[0].body == STATIC.joinpath("index.html").read_bytes()
    assert ask("/ui/?next=x")[0].status == 200


@pytest.mark.parametrize(("target", "method", "status"), EVERY_ANSWER)
def test_every_answer_has_the_safety_headers(ask, target, method, status):
    answer, _ = ask(target, method=method)
    assert answer.status == status
    assert answer.headers["Content-Security-Policy"] == POLICY
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_the_policy_allows_files_of_the_page_and_nothing_else():
    rules = {name: values for name, _, values in (rule.partition(" ") for rule in POLICY.split("; "))}
    for kind in ("default-src", "form-action", "frame-ancestors", "base-uri", "trusted-types"):
        assert rules.pop(kind) == "'none'"
    assert rules.pop("require-trusted-types-for") == "'script'"
    assert set(rules) == {"script-src", "style-src", "img-src", "connect-src"}
    assert set(rules.values()) == {"'self'"}


@pytest.mark.parametrize("target", ["/", "/?a=b", "/ui", "/ui?a=b"])
def test_the_root_leads_to_the_page(ask, target):
    answer, _ = ask(target)
    assert (answer.status, answer.headers["Location"], answer.body) == (307, "/ui/", b"")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "LIST"])
def test_a_page_is_only_read(ask, method):
    answer, _ = ask("/ui/", method=method)
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")


def test_head_tells_of_the_body_and_does_not_send_it(ask):
    whole, _ = ask("/ui/style.css")
    head, stream = ask("/ui/style.css", method="HEAD")
    assert head.headers == whole.headers
    assert stream.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    "tag",
    [
        pytest.param("{}", id="same"),
        pytest.param("W/{}", id="weakened-by-a-proxy"),
        pytest.param('"other", {}', id="one-of-several"),
        pytest.param("*", id="any"),
    ],
)
def test_what_did_not_change_is_not_sent_again(ask, tag):
    etag = ask("/ui/main.js")[0].headers["ETag"]
    answer, stream = ask("/ui/main.js", f"If-None-Match: {tag.format(etag)}")
    assert (answer.status, answer.headers["ETag"]) == (304, etag)
    assert answer.headers["Content-Security-Policy"] == POLICY
    assert stream.endswith(b"\r\n\r\n")


@pytest.mark.parametrize("tag", ['"other"', "", '""', "main.js", "nonsense,"])
def test_what_did_change_is_sent_whole(ask, tag):
    answer, _ = ask("/ui/main.js", f"If-None-Match: {tag}")
    assert (answer.status, answer.body) == (200, STATIC.joinpath("main.js").read_bytes())


def test_every_file_has_an_etag_of_its_own(ask):
    tags = [ask(f"/ui/{name}")[0].headers["ETag"] for name in (*NAMES, "settings.json")]
    assert len(set(tags)) == len(tags)
    assert all(re.fullmatch(r'"[0-9a-f]{32}"', tag) for tag in tags)


@pytest.mark.parametrize(
    "target",
    [
        "/ui/../assets.py",
        "/ui/..%2fassets.py",
        "/ui/%2e%2e/assets.py",
        "/ui//etc/passwd",
        "/ui/static/main.js",
        "/ui/main.js/",
        "/ui/MAIN.JS",
        "/ui/main.js%00",
        "/ui/.",
        "/ui/__init__.py",
        "/uix",
    ],
)
def test_there_is_no_way_to_any_other_file(ask, target):
    answer, _ = ask(target)
    assert answer.status == 404
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"


def test_the_settings_name_the_limit_and_the_version(ask):
    answer, _ = ask("/ui/settings.json")
    assert json.loads(answer.body) == {"max_secret_bytes": 12_345, "version": VERSION}
    assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("target", "owned"),
    [
        (b"/", True),
        (b"/?a", True),
        (b"/ui", True),
        (b"/ui/", True),
        (b"/ui/x?y", True),
        (b"/uix", False),
        (b"/v1/ui/", False),
        (b"//ui/", False),
        (b"/UI/", False),
    ],
)
def test_the_page_owns_its_own_targets_only(target, owned):
    assert Pages.owns(target) is owned
