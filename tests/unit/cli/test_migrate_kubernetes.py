"""Kubernetes Secrets in JSON: each key a secret, each thing that is wrong told for its own key."""

import base64
import json

import pytest

from holdfast.cli.errors import LocalError
from holdfast.cli.migrate.entry import NoSecretError
from holdfast.cli.migrate.kubernetes import entries_of_kubernetes


def b64(content):
    return base64.b64encode(content).decode()


def secret(name="db", namespace="team", **members):
    return {"kind": "Secret", "metadata": {"namespace": namespace, "name": name}, **members}


def read(document):
    content = document if isinstance(document, bytes) else json.dumps(document).encode()
    found = []
    for entry in entries_of_kubernetes(content):
        try:
            value = entry.read()
            found.append((entry.name, value.content, value.is_text))
        except NoSecretError:
            found.append((entry.name, "skipped"))
        except LocalError as error:
            found.append((entry.name, error.message))
    return found


TWO = [("team/db/pw", b"x", True), ("team/web/pw", b"y", True)]
BOTH = [secret(data={"pw": b64(b"x")}), secret("web", data={"pw": b64(b"y")})]
UNTYPED = [{key: value for key, value in one.items() if key != "kind"} for one in BOTH]


@pytest.mark.parametrize(
    ("document", "found"),
    [
        pytest.param(BOTH[0], TWO[:1], id="one"),
        pytest.param({"kind": "List", "items": BOTH}, TWO, id="list"),
        pytest.param({"kind": "SecretList", "items": UNTYPED}, TWO, id="typed-list"),
        pytest.param({"kind": "List", "items": []}, [], id="empty-list"),
        pytest.param(secret(), [], id="no-data"),
        pytest.param(secret(data=None, stringData=None), [], id="null-data"),
        pytest.param(secret(data={"k": b64(b"\xff\0")}), [("team/db/k", b"\xff\0", False)], id="binary"),
        pytest.param(secret(data={"k": ""}), [("team/db/k", b"", True)], id="empty-value"),
        pytest.param(
            secret(data={"k": "eHl6\neHl6\r\n"}), [("team/db/k", b"xyzxyz", True)], id="line-breaks"
        ),
        pytest.param(
            secret(stringData={"k": "p\u00e4ss"}), [("team/db/k", "p\u00e4ss".encode(), True)], id="text"
        ),
        pytest.param(
            secret(data={"k": b64(b"old")}, stringData={"k": "new"}), [("team/db/k", b"new", True)], id="both"
        ),
        pytest.param(
            {"kind": "List", "items": [{**secret("cm"), "kind": "ConfigMap", "data": {"k": "v"}}, *BOTH]},
            [("team/cm", "skipped"), *TWO],
            id="other-kinds",
        ),
    ],
)
def test_each_key_is_a_secret(document, found):
    assert read(document) == found


@pytest.mark.parametrize(
    ("broken", "name", "told"),
    [
        pytest.param(secret(data={"k": "%%%"}), "team/db/k", "base64", id="malformed-base64"),
        pytest.param(secret(data={"k": "eHl"}), "team/db/k", "base64", id="base64-cut-off"),
        pytest.param(secret(data={"k": "p\u00e4ss"}), "team/db/k", "base64", id="base64-not-ascii"),
        pytest.param(secret(data={"k": 7}), "team/db/k", "base64", id="data-no-text"),
        pytest.param(secret(stringData={"k": ["x"]}), "team/db/k", "text", id="string-data-no-text"),
        pytest.param(secret(stringData={"k": "\ud800"}), "team/db/k", "text", id="half-a-character"),
        pytest.param(secret(data={"": "eA=="}), "team/db/", "key", id="empty-key"),
        pytest.param(secret(data={"a/b": "eA=="}), "team/db/a/b", "key", id="slash-in-a-key"),
        pytest.param(secret(data=[1]), "team/db", "objects", id="data-no-object"),
        pytest.param(secret(name="a/b", data={"k": "eA=="}), "item 1", "metadata", id="slash-in-a-name"),
        pytest.param(secret(namespace="", data={"k": "eA=="}), "item 1", "metadata", id="no-namespace"),
        pytest.param({"kind": "Secret", "metadata": []}, "item 1", "metadata", id="no-metadata"),
        pytest.param("text", "item 1", "object", id="item-no-object"),
    ],
)
def test_what_is_wrong_with_one_does_not_keep_the_others_back(broken, name, told):
    (found_name, problem), *others = read({"kind": "List", "items": [broken, *BOTH]})
    assert found_name == name
    assert told in problem
    assert others == TWO


@pytest.mark.parametrize(
    ("content", "told"),
    [
        pytest.param(b"", "JSON", id="empty"),
        pytest.param(b"{", "line 1, column 2", id="cut-off"),
        pytest.param(b"\xff{}", "UTF-8", id="not-utf-8"),
        pytest.param(b"[]", "expected a Secret", id="array"),
        pytest.param(b"7", "expected a Secret", id="number"),
        pytest.param(b'{"kind":"Pod"}', "expected a Secret", id="another-kind"),
        pytest.param(b'{"kind":"List","items":{}}', "expected a Secret", id="items-no-array"),
        pytest.param(b"[" * 200_000, "nested too deep", id="depth-bomb"),
        pytest.param(b"9" * 10_000, "numbers", id="number-of-10000-digits"),
        pytest.param(b'{"kind":"Secret","data":{"a":"eA==","a":"eQ=="}}', "twice", id="duplicate-name"),
        pytest.param(b'{"kind":"Secret"} x', "JSON", id="something-behind-it"),
    ],
)
def test_what_is_no_document_is_refused(content, told):
    with pytest.raises(LocalError, match=told) as caught:
        entries_of_kubernetes(content)
    assert caught.value.__context__ is None


def test_a_huge_list_is_read():
    items = [secret(f"s{n}", data={"k": b64(b"x" * 1000)}) for n in range(10_000)]
    assert len(read({"kind": "List", "items": items})) == 10_000
