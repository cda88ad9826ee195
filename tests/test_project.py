"""The project's own files agree: what is declared is locked and explained, and ./dev does what it says."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCK = (ROOT / "requirements" / "dev.lock").read_text(encoding="utf-8")
_NAME = re.compile(r"[A-Za-z0-9._-]+")


def folded(name):
    """Write a package name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def names_of(requirements):
    return {folded(_NAME.match(requirement)[0]) for requirement in requirements} - {"holdfast"}


RUN_TIME = names_of(PROJECT["project"]["dependencies"]).union(
    *map(names_of, PROJECT["project"]["optional-dependencies"].values())
)
DEVELOPMENT = names_of(PROJECT["dependency-groups"]["dev"])


def test_every_locked_file_has_a_hash_and_no_origin():
    requirements = re.split(r"\n(?=\S)", LOCK.strip())
    for requirement in requirements:
        first, *hashes = [line.strip(" \\") for line in requirement.splitlines()]
        assert re.fullmatch(r"[a-z0-9.-]+==[A-Za-z0-9.]+( ; .+)?", first), first
        assert hashes, first
        assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", line) for line in hashes), first


def test_every_dependency_is_locked():
    locked = {folded(line.partition("==")[0]) for line in LOCK.splitlines() if "==" in line.partition(";")[0]}
    assert (RUN_TIME | DEVELOPMENT) - locked == set()


def test_every_dependency_is_explained():
    text = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8").lower()
    rows = {folded(row) for row in re.findall(r"^\| ([\w-]+) \|", text, flags=re.MULTILINE)}
    assert RUN_TIME - rows == set()


def dev(*words):
    return subprocess.run(
        [ROOT / "dev", *words], capture_output=True, text=True, timeout=60, check=False, cwd="/"
    )


def test_dev_explains_every_verb_it_has():
    script = (ROOT / "dev").read_text(encoding="utf-8")
    verbs = re.findall(r"^([a-z]+)\)$", script, flags=re.MULTILINE)
    assert verbs == ["demo", "test", "coverage", "vm", "lint", "protos", "bench", "cluster", "serve"]
    told = dev("help")
    assert told.returncode == 0
    assert re.findall(r"^    ([a-z]+)\b", told.stdout, flags=re.MULTILINE) == [
        "demo", "test", "test", "coverage", "vm", "lint", "protos", "bench", "cluster", "serve", "help",
    ]  # fmt: skip


@pytest.mark.parametrize("word", [pytest.param("tset", id="misspelt"), pytest.param("-x", id="option")])
def test_dev_refuses_other_words(word):
    told = dev(word)
    assert (told.returncode, told.stdout) == (1, "")
    assert "unknown verb" in told.stderr
