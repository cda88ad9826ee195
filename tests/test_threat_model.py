"""The threat model and the tests agree: every test it names exists, under the promise it is named for."""

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


@cache
def functions_of(file):
    path = ROOT / file
    tree = ast.parse(path.read_text(encoding="utf-8")) if path.is_file() else ast.Module([], [])
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_every_named_test_exists():
    missing = []
    for file, name in NAMED.findall(TEXT):
        if name not in functions_of(file):
            missing.append(f"{file}::{name}")
    assert missing == []


def test_every_promise_names_a_test():
    promises = re.split(r"^### ", TEXT.split("## Not promised")[0], flags=re.MULTILINE)[1:]
    assert [promise.split(".")[0] for promise in promises] == [str(number) for number in range(1, 12)]
    assert [promise.splitlines()[0] for promise in promises if not NAMED.search(promise)] == []
