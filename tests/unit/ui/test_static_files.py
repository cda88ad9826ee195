"""The files of the page: no inline code, no other origin, no markup from text, nothing kept in browsers."""

import re
from importlib.resources import files

import pytest

STATIC = {
    file.name: file.read_text(encoding="utf-8") for file in files("holdfast.ui").joinpath("static").iterdir()
}
SCRIPTS = {name: text for name, text in STATIC.items() if name.endswith(".js")}


def code_of(text):
    """Return a script without its comments."""
    return re.sub(r"^ *//[^\n]*|/\*\*[^\n]*\*/", "", text, flags=re.MULTILINE)


@pytest.mark.parametrize("name", sorted(STATIC))
def test_nothing_comes_from_another_origin(name):
    addresses = re.findall(r"(?:https?:)?//[\w.-]+\.\w+[\w./-]*", code_of(STATIC[name]))
    assert set(addresses) <= {"http://www.w3.org/2000/svg"}


@pytest.mark.parametrize("name", ["index.html", "icon.svg"])
def test_no_code_and_no_style_stands_in_a_document(name):
    text = STATIC[name]
    assert (
        re.findall(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|javascript:", text, re.IGNORECASE) == []
    )


@pytest.mark.parametrize("name", sorted(SCRIPTS))
def test_text_never_becomes_markup_or_code(name):
    ways = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\b|new Function|srcdoc"
    assert re.findall(ways, code_of(SCRIPTS[name])) == []


@pytest.mark.parametrize("name", sorted(SCRIPTS))
def test_nothing_is_kept_in_the_browser(name):
    assert (
        re.findall(r"localStorage|sessionStorage|indexedDB|caches\.|serviceWorker", code_of(SCRIPTS[name]))
        == []
    )


def test_no_script_writes_a_cookie():
    assert [name for name, text in SCRIPTS.items() if re.search(r"document\.cookie\s*=[^=]", text)] == []


def test_every_file_that_is_named_is_there_and_every_file_is_named():
    imported = {
        name for text in SCRIPTS.values() for name in re.findall(r'from "\./([\w.]+)"', code_of(text))
    }
    loaded = set(re.findall(r'(?:src|href)="([\w.]+)"', STATIC["index.html"]))
    assert imported | loaded | {"index.html"} == set(STATIC)
