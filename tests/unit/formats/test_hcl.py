"""HCL 1 and its JSON notation: what users really write, what is refused, and where errors point."""

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.errors import InvalidInputError
from holdfast.formats.hcl import MAX_NESTING, Block, parse_document

VAULT_CONFIG = """
listener "tcp" {
  address = "0.0.0.0:8200"
  tls_disable = 1
}

storage "file" {
  path = "/tmp/vault-data"
}

disable_mlock = true
"""

STORAGE_NODE_POLICY = """
 # Read and List capabilities on mount to determine which version of kv backend is supported
 path "sys/mounts/*"
 {
 capabilities = ["read", "list"]
 }

 # V1 backends (Using default backend)
 # Provide full access to the portworx subkey
 path "secret/*"
 {
 capabilities = ["create", "read", "update", "delete", "list"]
 }

 # V2 backends (Using custom backend )
 # Provide -> VAULT_BACKEND_PATH=custom-backend (required)
 path "custom-backend/data/*"
 {
 capabilities = ["create", "read", "update", "delete", "list"]
 }
"""


def attribute(text):
    return parse_document(f"a = {text}\n").attributes["a"]


def without_lines(block):
    return (block.type, block.labels, block.attributes, [without_lines(inner) for inner in block.blocks])


def test_reads_the_configuration_that_vault_users_start_with():
    assert parse_document(VAULT_CONFIG) == Block(
        attributes={"disable_mlock": True},
        blocks=(
            Block(
                type="listener",
                labels=("tcp",),
                attributes={"address": "0.0.0.0:8200", "tls_disable": 1},
                line=2,
            ),
            Block(type="storage", labels=("file",), attributes={"path": "/tmp/vault-data"}, line=7),
        ),
        line=1,
    )


def test_reads_the_policy_of_a_storage_node_with_braces_on_the_next_line():
    document = parse_document(STORAGE_NODE_POLICY)
    everything = ["create", "read", "update", "delete", "list"]
    assert [(block.type, block.labels, block.attributes, block.line) for block in document.blocks] == [
        ("path", ("sys/mounts/*",), {"capabilities": ["read", "list"]}, 3),
        ("path", ("secret/*",), {"capabilities": everything}, 10),
        ("path", ("custom-backend/data/*",), {"capabilities": everything}, 17),
    ]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param('"text"', "text", id="string"),
        pytest.param('""', "", id="empty-string"),
        pytest.param(r'"a\"b\\c\n\r\t\u00e9\U0001F511"', 'a"b\\c\n\r\té\U0001f511', id="escapes"),
        pytest.param(
            '"# no // comment /* here */"', "# no // comment /* here */", id="comment-signs-in-a-string"
        ),
        pytest.param('"${x} {{y}} <<z"', "${x} {{y}} <<z", id="templates-are-text"),
        pytest.param('"日本"', "日本", id="unicode"),
        pytest.param("0", 0, id="zero"),
        pytest.param("-12", -12, id="negative"),
        pytest.param("0x1F", 31, id="hexadecimal"),
        pytest.param("1.5e-3", 0.0015, id="float"),
        pytest.param("12345678901234567890123", 12345678901234567890123, id="beyond-64-bits"),
        pytest.param("true", True, id="true"),
        pytest.param("false", False, id="false"),
        pytest.param("[]", [], id="empty-list"),
        pytest.param('[1, "b", [true],]', [1, "b", [True]], id="trailing-comma"),
        pytest.param("[\n1\n,\n2 # two\n]", [1, 2], id="list-over-lines"),
        pytest.param("{}", {}, id="empty-object"),
        pytest.param('{b = 1, "c d" = {e = []},}', {"b": 1, "c d": {"e": []}}, id="object-with-commas"),
        pytest.param("{\nb = 1\nc = 2\n}", {"b": 1, "c": 2}, id="object-with-lines"),
        pytest.param("<<EOF\none\n  two\nEOF", "one\n  two\n", id="heredoc"),
        pytest.param("<<EOF\nEOF", "", id="empty-heredoc"),
        pytest.param("<<EOF\nEOFEOF\n EOF", "EOFEOF\n", id="marker-inside-a-line"),
        pytest.param("<<-E\n    one\n      two\n    E", "one\n  two\n", id="indented-heredoc"),
        pytest.param("<<-E\n  one\n    E", "  one\n", id="heredoc-less-indented-than-its-end"),
        pytest.param('<<E\n"#{}\\n\nE', '"#{}\\n\n', id="heredoc-is-raw"),
        pytest.param("[<<E\none\nE\n, 2]", ["one\n", 2], id="heredoc-in-a-list"),
        pytest.param("<<E\r\none\r\nE\r\n", "one\r\n", id="heredoc-with-carriage-returns"),
    ],
)
def test_value(text, value):
    got = attribute(text)
    assert got == value
    assert type(got) is type(value)


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        pytest.param("", ("", (), {}, []), id="empty"),
        pytest.param("# only\n// comments /* and\n/* a = 1\n */", ("", (), {}, []), id="only-comments"),
        pytest.param("a{}", ("", (), {}, [("a", (), {}, [])]), id="block-without-label"),
        pytest.param('a "b" c {}', ("", (), {}, [("a", ("b", "c"), {}, [])]), id="quoted-and-bare-label"),
        pytest.param('"a" "b" {}', ("", (), {}, [("a", ("b",), {}, [])]), id="quoted-type"),
        pytest.param("a{}a{}", ("", (), {}, [("a", (), {}, [])] * 2), id="equal-blocks-add-up"),
        pytest.param(
            "a{b{c=1}d=2}", ("", (), {}, [("a", (), {"d": 2}, [("b", (), {"c": 1}, [])])]), id="nested"
        ),
        pytest.param("a{b=1 c=2}", ("", (), {}, [("a", (), {"b": 1, "c": 2}, [])]), id="block-on-one-line"),
        pytest.param("a{b=1,c=2,}", ("", (), {}, [("a", (), {"b": 1, "c": 2}, [])]), id="commas-in-a-block"),
        pytest.param("a\r\n{\r\n}\r\n", ("", (), {}, [("a", (), {}, [])]), id="carriage-returns"),
        pytest.param("true = 1\na-b.c_d = 2", ("", (), {"true": 1, "a-b.c_d": 2}, []), id="odd-names"),
    ],
)
def test_document(text, tree):
    assert without_lines(parse_document(text)) == tree


REFUSED = [
    pytest.param("a = hunter2", "1:5", "quotes", id="bare-word-as-value"),
    pytest.param("a = 1\na = 2", "2:1", "already", id="duplicate-attribute"),
    pytest.param("x {\n  a = {b=1, b=2}\n}", "2:13", "already", id="duplicate-in-an-object"),
    pytest.param('a = "hunter2', "1:5", "ends on its line", id="unclosed-string"),
    pytest.param('a = "hunter2\n"', "1:5", "ends on its line", id="string-over-lines"),
    pytest.param('a = "hunter2\x07"', "1:5", "control", id="control-character"),
    pytest.param(r'a = "hunter2\q"', "1:13", "escapes", id="unknown-escape"),
    pytest.param(r'a = "\ud83d\ude00"', "1:6", "escapes", id="surrogates"),
    pytest.param(r'a = "\U00110000"', "1:6", "escapes", id="beyond-unicode"),
    pytest.param("\n\n/* hunter2", "3:1", "comment", id="unclosed-comment"),
    pytest.param("a = <<EOF\nhunter2\n", "1:5", "marker", id="unclosed-heredoc"),
    pytest.param("a = << EOF\nhunter2\nEOF", "1:5", "marker word", id="heredoc-without-marker"),
    pytest.param("a {", "1:4", "} to end the block", id="unclosed-block"),
    pytest.param("a = [1", "1:7", ", or ]", id="unclosed-list"),
    pytest.param("a = [1 2]", "1:8", ", or ]", id="list-without-comma"),
    pytest.param("a = [,]", "1:6", "a value", id="comma-only"),
    pytest.param("a = {b = 1", "1:11", "}", id="unclosed-object"),
    pytest.param("a = {b {}}", "1:8", "=", id="block-in-an-object"),
    pytest.param("a =", "1:4", "a value", id="no-value"),
    pytest.param("a", "1:2", "a label or {", id="lonely-name"),
    pytest.param("a hunter2", "1:10", "expected {", id="lonely-label"),
    pytest.param("a b c d {}", "1:7", "expected {", id="three-labels"),
    pytest.param("}", "1:1", "a name", id="brace-too-many"),
    pytest.param("a = 1, b = 2", "1:6", "a name", id="comma-at-the-top"),
    pytest.param("1 = 2", "1:1", "a name", id="number-as-name"),
    pytest.param("a = 0600", "1:5", "a number", id="octal-or-decimal"),
    pytest.param("a = 10s", "1:5", "in quotes", id="bare-duration"),
    pytest.param("a = 1.2.3", "1:5", "a number", id="bare-version"),
    pytest.param("a = -", "1:5", "a number", id="lonely-minus"),
    pytest.param("a = 1e999", "1:5", "range", id="number-beyond-a-double"),
    pytest.param("a = " + "7" * 5000, "1:5", "400 digits", id="oversized-number"),
    pytest.param("a := 1", "1:3", "unexpected", id="other-assignment"),
    pytest.param("a = 'hunter2'", "1:5", "unexpected", id="single-quotes"),
    pytest.param("a = b(1)", "1:6", "unexpected", id="function-call"),
    pytest.param("\ufeffa = 1", "1:1", "unexpected", id="byte-order-mark"),
    pytest.param("é = 1", "1:1", "unexpected", id="unicode-name"),
    pytest.param("a = 1\0", "1:6", "", id="nul"),
    pytest.param("a = " + "[" * (MAX_NESTING + 1), "1:70", "levels", id="lists-too-deep"),
    pytest.param("a {" * 100_000, "1:196", "levels", id="block-bomb"),
    pytest.param("a = " + "{a=" * 100_000, "1:198", "levels", id="object-bomb"),
]


@pytest.mark.parametrize(("text", "place", "problem"), REFUSED)
def test_refuses_and_tells_the_place(text, place, problem):
    with pytest.raises(InvalidInputError) as caught:
        parse_document(text, source="my.hcl")
    message = str(caught.value)
    assert message.startswith(f"my.hcl:{place}: ")
    assert problem in message
    assert "hunter2" not in message


def test_nesting_limit_is_inclusive():
    assert attribute("[" * MAX_NESTING + "]" * MAX_NESTING)


# The JSON notation


@pytest.mark.parametrize(
    ("hcl", "document"),
    [
        pytest.param(
            VAULT_CONFIG,
            {
                "listener": {"tcp": {"address": "0.0.0.0:8200", "tls_disable": 1}},
                "storage": {"file": {"path": "/tmp/vault-data"}},
                "disable_mlock": True,
            },
            id="configuration",
        ),
        pytest.param(
            'path "a/*" { capabilities = ["read"] }\npath "b" { policy = "deny" }',
            {"path": {"a/*": {"capabilities": ["read"]}, "b": {"policy": "deny"}}},
            id="policy",
        ),
        pytest.param(
            'path "a" { capabilities = [] }\npath "b" { capabilities = [] }',
            {"path": [{"a": {"capabilities": []}}, {"b": {"capabilities": []}}]},
            id="policy-with-a-list-of-paths",
        ),
        pytest.param(
            'listener "tcp" { address = "x" }\nlistener "tcp" { address = "y" }',
            {"listener": {"tcp": [{"address": "x"}, {"address": "y"}]}},
            id="list-below-the-label",
        ),
        pytest.param(
            'audit "file" "main" { options = { file_path = "/x" } }',
            {"audit": {"file": {"main": {"options": {"file_path": "/x"}}}}},
            id="two-labels",
        ),
        pytest.param('storage "inmem" {}', {"storage": {"inmem": {}}}, id="empty-body"),
        pytest.param("telemetry { a = true }", {"telemetry": {"a": True}}, id="no-label"),
        pytest.param("telemetry {}", {"telemetry": {}}, id="no-label-and-empty"),
        pytest.param("listener = []\nx = [1, 2]", {"listener": [], "x": [1, 2]}, id="lists-stay-attributes"),
    ],
)
def test_json_is_another_notation_of_the_same_tree(hcl, document):
    assert without_lines(parse_document(json.dumps(document, indent=1))) == without_lines(parse_document(hcl))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('{"a": "hunter2"', id="cut-off"),
        pytest.param('{"a": 1, "a": "hunter2"}', id="duplicate-name"),
        pytest.param('{"a": "hunter2"} b = 1', id="hcl-behind-it"),
        pytest.param('{"a": "hunter2\ud800"}', id="lone-surrogate"),
        pytest.param('{"a": ' + "[" * 100_000, id="depth-bomb"),
    ],
)
def test_bad_json_is_refused(text):
    with pytest.raises(InvalidInputError, match=r"^my\.json: ") as caught:
        parse_document(text, source="my.json")
    assert "hunter2" not in str(caught.value)


# Any text at all


@settings(max_examples=400)
@given(st.text(st.sampled_from('ab1."\\{}[]=,#/*<-E\n \x00é')))
def test_any_text_is_read_or_refused_with_a_place(text):
    problem = None
    try:
        parse_document(text)
    except InvalidInputError as error:
        problem = str(error)
    assert problem is None or re.match(r"document(:\d+:\d+)?: ", problem)


NAMES = st.from_regex(r"[a-z_][a-z0-9_.-]{0,3}", fullmatch=True)
STRINGS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=5)
NUMBERS = st.integers(-(10**20), 10**20) | st.floats(0.001, 1e6)
VALUES = st.recursive(
    STRINGS | NUMBERS | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
BLOCKS = st.deferred(
    lambda: st.builds(
        lambda type_, labels, attributes, blocks: (type_, tuple(labels), attributes, blocks),
        NAMES,
        st.lists(STRINGS, max_size=2),
        st.dictionaries(NAMES, VALUES, max_size=2),
        st.lists(BLOCKS, max_size=2),
    )
)


def write_value(value):
    if isinstance(value, dict):
        return "{" + "\n".join(f"{name} = {write_value(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(write_value, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def write_block(block):
    type_, labels, attributes, blocks = block
    head = " ".join([type_, *(json.dumps(label, ensure_ascii=False) for label in labels)])
    lines = [f"{name} = {write_value(value)}" for name, value in attributes.items()]
    return "\n".join([head, "{", *lines, *map(write_block, blocks), "}"])


@given(st.lists(BLOCKS, max_size=3))
def test_what_is_written_is_read_back(blocks):
    document = parse_document("\n".join(map(write_block, blocks)))
    assert [without_lines(block) for block in document.blocks] == blocks
