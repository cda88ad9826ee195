"""What a visitor does with secrets, byte for byte, and that page and store agree on their names and sizes."""

from urllib.parse import quote

import pytest
from selenium.webdriver.common.keys import Keys
from tests.support.page import MOST_BYTES, SECRET, api, go, log_in, put, value_of

EVERY_BYTE = bytes(range(256)) * 2 + b"\r\n\xff\xfe\x00"


def rows(browser):
    """Return the first line of every row, all of one moment: the page may replace them at any time."""
    script = "return [...document.querySelectorAll('.rows .row')].map((row) => row.innerText)"
    return [text.strip().splitlines()[0] for text in browser.driver.execute_script(script) if text.strip()]


def test_a_secret_from_its_creation_to_its_end(store, browser):
    log_in(browser, "ann")
    browser.press("New secret")
    browser.fill("Path", "life/of/one")
    browser.fill("Text", " s3cr3t-é\n")
    browser.press("Create")
    browser.find("h1", "one")
    assert "s3cr3t" not in browser.driver.page_source
    assert value_of(store, "life/of/one").json == {"value": " s3cr3t-é\n"}

    browser.press("Show")
    browser.until(lambda: "s3cr3t-é" in browser.text_of("#value"), "the value is not shown")
    browser.press("Hide")
    assert "s3cr3t" not in browser.driver.page_source

    browser.press("Replace")
    assert browser.attribute_of("readonly", "input", "Path") == "true"
    browser.press("Load the present value")
    browser.until(lambda: browser.values("textarea") == [" s3cr3t-é\n"], "the present value is not loaded")
    browser.type_into("textarea", "second line")
    browser.press("Save")
    browser.find("h1", "one")
    assert value_of(store, "life/of/one").json == {"value": " s3cr3t-é\nsecond line"}
    browser.press("Download")
    assert browser.downloaded("one") == " s3cr3t-é\nsecond line".encode()

    browser.press("Delete")
    assert "life/of/one" in browser.text_of("dialog")
    assert browser.driver.switch_to.active_element.text == "Cancel"
    browser.driver.switch_to.active_element.send_keys(Keys.ESCAPE)
    browser.until(lambda: not browser.all("dialog"), "the dialog stays")
    assert value_of(store, "life/of/one").status == 200
    browser.press("Delete")
    browser.click("dialog button", "Delete")
    browser.sees("There is nothing in this folder.")
    assert value_of(store, "life/of/one").status == 404


def test_a_value_is_copied_without_being_shown_and_hidden_when_nobody_looks(store, browser):
    put(store, "copied/value", "to-the-clipboard\n")
    browser.driver.execute_cdp_cmd(
        "Browser.grantPermissions",
        {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"], "origin": store.url},
    )
    log_in(browser, "ann")
    go(browser, "#/secret/default/copied/value")
    browser.press("Copy")
    browser.sees("Value copied.")
    assert "to-the-clipboard" not in browser.driver.page_source
    script = "navigator.clipboard.readText().then(arguments[0])"
    assert browser.driver.execute_async_script(script) == "to-the-clipboard\n"
    browser.press("Show")
    browser.sees("to-the-clipboard")
    first = browser.driver.current_window_handle
    browser.driver.switch_to.new_window("tab")
    browser.driver.close()
    browser.driver.switch_to.window(first)
    browser.until(lambda: "to-the-clipboard" not in browser.driver.page_source, "the value stays")


def test_a_value_that_is_shown_goes_away_by_itself(store, browser):
    put(store, "shown/briefly", "not-for-long")
    log_in(browser, "ann")
    go(browser, "#/secret/default/shown/briefly")
    keep = """
        const real = setTimeout;
        window.kept = [];
        window.setTimeout = (work, wait) => (wait < 60000 ? real(work, wait) : window.kept.push(work));
    """
    browser.driver.execute_script(keep)  # a minute is over when we say so
    browser.press("Show")
    browser.sees("not-for-long")
    browser.driver.execute_script("window.kept.forEach((work) => work())")
    browser.until(lambda: "not-for-long" not in browser.driver.page_source, "the value stays")
    assert browser.attribute_of("aria-pressed", "button", "Show") == "false"


def test_binary_values_come_back_byte_for_byte(store, browser, tmp_path):
    file = tmp_path / "every.bin"
    file.write_bytes(EVERY_BYTE)
    log_in(browser, "ann")
    go(browser, "#/new/default/")
    browser.fill("Path", "binary/every.bin")
    browser.press("File")
    browser.type_into("input[type=file]", str(file))
    browser.press("Create")
    browser.find("h1", "every.bin")
    stored = value_of(store, "binary/every.bin")
    assert (stored.headers["Content-Type"], stored.body) == ("application/octet-stream", EVERY_BYTE)
    browser.press("Show")
    browser.sees(f"Binary, {len(EVERY_BYTE)} bytes")
    browser.press("Download")
    assert browser.downloaded("every.bin") == EVERY_BYTE
    browser.press("Replace")
    browser.press("Load the present value")
    browser.sees("choose File to replace it")


def test_a_text_that_a_field_would_change_is_not_loaded_into_one(store, browser):
    put(store, "lines", "one\r\ntwo\r\n")
    log_in(browser, "ann")
    go(browser, "#/edit/default/lines")
    browser.press("Load the present value")
    browser.sees("carriage returns")
    assert browser.value_of("textarea") == ""


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        pytest.param("x" * MOST_BYTES, True, id="just-fits"),
        pytest.param("x" * (MOST_BYTES + 1), False, id="one-too-many"),
        pytest.param("é" * (MOST_BYTES // 2), True, id="counted-in-bytes"),
        pytest.param("é" * (MOST_BYTES // 2) + "x", False, id="counted-in-bytes-one-too-many"),
    ],
)
@pytest.mark.parametrize("kind", ["Text", "File"])
def test_the_size_limit_is_exact(store, browser, tmp_path, kind, text, fits):
    name = f"size/{kind}-{len(text.encode())}-{text[0] == 'x'}"
    file = tmp_path / "file"
    file.write_text(text, encoding="utf-8")
    log_in(browser, "ann")
    go(browser, "#/new/default/")
    browser.fill("Path", name)
    browser.press(kind)
    if kind == "File":
        browser.type_into("input[type=file]", str(file))
    else:
        script = "arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('input'))"
        browser.with_one("textarea", "", lambda field: browser.driver.execute_script(script, field, text))
    browser.press("Create")
    if fits:
        browser.find("h1", name.rpartition("/")[2])
    else:
        browser.sees(f"{MOST_BYTES + 1:,} bytes are too many: the store takes at most {MOST_BYTES:,}.")
    assert value_of(store, name).status == (200 if fits else 404)


def test_the_page_and_the_store_agree_on_names(store, browser):
    most_bytes = 1024 - len("secrets/v1/secret/default/")
    long = "n/" + ("b" * 98 + "/") * 10
    names = {
        "n/plain": True,
        "n/with-_.~and blanks inside": True,
        "n/ümläute/名前": True,
        "n/composed-e\u0301": True,  # the page composes it, and sends that
        "n/%2e%2e": True,
        "n/UPPER": True,
        "n/" + "a" * 255: True,
        "n/" + "a" * 256: False,
        "n/" + "é" * 127: True,
        "n/" + "é" * 128: False,
        "n/" + "/".join("a" * 58): True,
        "n/" + "/".join("a" * 60): False,
        long + "c" * (most_bytes - len(long)): True,
        long + "c" * (most_bytes - len(long) + 1): False,
        "n/./x": False,
        "n/../x": False,
        "n/..": False,
        "n/back\\slash": False,
        "n/ leading": False,
        "n/trailing ": False,
        "n/tab\there": False,
        "n/bell\x07": False,
        "n/line\nbreak": False,
        "n/nbsp\u00a0here": False,
        "n/zero\u200bwidth": False,
        "n/bidi\u202eabc": False,
        "n/separator\u2028": False,
        "n/replacement\ufffd": False,
        "n/private\ue000": False,
        "": False,
        "n/end/": False,
    }
    script = """
        const [names, done] = arguments;
        import("/ui/names.js").then(
            (rules) => done(names.map((name) => {
                const sent = rules.canonical(name);
                return [sent, rules.problemWithName(sent, "default")];
            })),
        );
    """
    told = browser.driver.execute_async_script(script, list(names))
    for (name, allowed), (sent, problem) in zip(names.items(), told, strict=True):
        assert (problem == "") is allowed, (name, problem)
        status = api(store, "PUT", f"{SECRET}/{quote(sent, safe='/')}", {"value": "v"}).status
        assert (status == 201) is allowed, (name, status)


def test_a_bad_name_is_explained_and_not_sent(store, browser):
    reasons = {
        "/a": "slash at the start",
        "a//b": "One slash",
        "a/../b": "cannot be called “..”",
        "a/": "slash at the end",
    }
    log_in(browser, "ann")
    go(browser, "#/new/default/")
    browser.find("h1", "New secret")
    browser.fill("Text", "v")
    for name, reason in reasons.items():
        browser.fill("Path", name)
        browser.sees(reason)
        browser.press("Create")
        assert browser.text_of("h1") == "New secret"
        assert browser.attribute_of("aria-invalid", "input", "Path") == "true"
    assert api(store, "GET", f"{SECRET}/a?list=true").json["array"] == []
    assert value_of(store, "a").status == 404


def test_what_exists_is_not_overwritten_by_creating_it(store, browser):
    put(store, "taken", "first")
    log_in(browser, "ann")
    go(browser, "#/new/default/")
    browser.fill("Path", "taken")
    browser.fill("Text", "second")
    browser.press("Create")
    browser.sees("There is a secret with this path already.")
    assert value_of(store, "taken").json == {"value": "first"}
    browser.press("Replace its value")
    browser.find("h1", "Replace the value")


def test_folders_filter_and_deleting_several(store, browser):
    for name in ("many/b", "many/A", "many/c", "many/sub/one", "many/sub/Two", "many/a2"):
        put(store, name)
    log_in(browser, "ann")
    go(browser, "#/secrets/default/many/")
    browser.find(".rows a", "sub/")
    browser.until(lambda: rows(browser) == ["sub/", "A", "a2", "b", "c"], "not in this order")
    browser.fill("Filter by a part of the path", "TW")
    browser.until(lambda: rows(browser) == ["sub/Two"], "not filtered")
    browser.fill("Filter by a part of the path", "nowhere")
    browser.until(lambda: rows(browser) == ["No path has this in it."], "not filtered")
    browser.fill("Filter by a part of the path", "")
    browser.type_into("input[type=search]", Keys.SPACE, Keys.BACKSPACE)
    for name in ("Select sub/", "Select b"):
        browser.press(name)
    browser.sees("3 of 6 secrets selected")
    browser.press("Delete")
    question = browser.text_of("dialog")
    assert "Delete 3 secrets?" in question
    assert [name in question for name in ("many/sub/one", "many/sub/Two", "many/b")] == [True] * 3
    browser.click("dialog button", "Delete")
    browser.sees("3 secrets deleted.")
    browser.until(lambda: rows(browser) == ["A", "a2", "c"], "they are still shown")
    assert sorted(api(store, "GET", f"{SECRET}/many?list=true").json["array"]) == ["A", "a2", "c"]
    browser.press("default")
    browser.click(".rows a", "many/")
    browser.until(lambda: rows(browser) == ["A", "a2", "c"], "the folder does not open")
