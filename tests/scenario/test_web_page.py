"""The web page in a real browser, against a real store: what visitors can do, and what others cannot."""

import http.server
import threading
from functools import partial
from urllib.parse import quote

import pytest
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.keys import Keys
from tests.support.browser import open_browser
from tests.support.iam import rid_in_path
from tests.support.store_process import StoreProcess
from tests.support.store_talk import ask

SECRET = "/secrets/v1/secret/default"
PASSWORD = "correct-horse-7f3a"
MOST_BYTES = 4096
EVERY_BYTE = bytes(range(256)) * 2 + b"\r\n\xff\xfe\x00"
HOSTILE = [
    "<img src=x onerror=alert(1)>",
    '"><script>alert(1)</script>',
    "javascript:alert(1)",
    "'-alert(1)-'",
    "${alert(1)}{{7*7}}",
    "a&amp;b&lt;i&gt;",
    "%3Cb%3E#x?y=1&z",
]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    directory = tmp_path_factory.mktemp("page")
    with StoreProcess(directory, settings=f"max_secret_size = {MOST_BYTES}") as process:
        process.initialize()
        for uid in ("ann", "bob", "eve", "sue"):
            assert api(process, "PUT", f"/acs/api/v1/users/{uid}", {"password": PASSWORD}).status == 201
        for rid in ("dcos:secrets:default:/*", "dcos:secrets:list:default:/"):
            grant(process, rid, "ann")
        grant(process, "dcos:secrets:default:/given/one", "bob")
        grant(process, "dcos:superuser", "sue")
        yield process


@pytest.fixture(scope="module")
def module_browser(tmp_path_factory):
    with open_browser(tmp_path_factory.mktemp("browser")) as browser:
        yield browser


@pytest.fixture
def browser(module_browser, store):
    module_browser.look()
    module_browser.complaints()
    module_browser.open(f"{store.url}/")
    yield module_browser
    assert module_browser.complaints() == []


def api(store, method, path, body=None, *, token=None, **headers):
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


def rows(browser):
    """Return the first line of every row, all of one moment: the page may replace them at any time."""
    script = "return [...document.querySelectorAll('.rows .row')].map((row) => row.innerText)"
    return [text.strip().splitlines()[0] for text in browser.driver.execute_script(script) if text.strip()]


def test_log_in_by_password_leaves_nothing_for_scripts(store, browser):
    assert browser.driver.current_url == f"{store.url}/ui/"
    log_in(browser, "ann", "wrong-password")
    browser.sees("User and password do not match.")
    log_in(browser, "ann")
    browser.find("h1", "Secrets")
    cookies = {cookie["name"]: cookie for cookie in browser.driver.get_cookies()}
    guarded = cookies["dcos-acs-auth-cookie"]
    assert (guarded["httpOnly"], guarded["sameSite"]) == (True, "Strict")
    assert browser.driver.execute_script("return [localStorage.length, sessionStorage.length]") == [0, 0]
    assert guarded["value"] not in browser.driver.execute_script("return document.cookie")
    browser.driver.refresh()
    browser.find("h1", "Secrets")
    browser.press("Sign out")
    browser.find("h1", "Sign in")
    assert browser.driver.get_cookies() == []
    assert api(store, "GET", f"{SECRET}/?list=true", token=guarded["value"]).status == 401


def test_a_token_stays_in_memory_only(store, browser):
    use_token(browser, "hvs.not-a-token")
    browser.sees("This token is not valid")
    browser.fill("Token", store.root_token)
    browser.press("Sign in")
    browser.find("h1", "Secrets")
    assert browser.driver.get_cookies() == []
    kept = (
        "return JSON.stringify([localStorage, sessionStorage, location.href, history.state, document.cookie])"
    )
    assert store.root_token not in browser.driver.execute_script(kept)
    assert store.root_token not in browser.driver.page_source
    browser.driver.refresh()
    browser.find("h1", "Sign in")


def test_who_guesses_passwords_is_told_to_wait(store, browser):
    guess = {"uid": "guessed", "password": "wrong-password"}

    def guess_on():
        for _ in range(11):
            ask(store, "POST", "/acs/api/v1/auth/login", guess, token="")
        log_in(browser, guess["uid"], guess["password"])
        return browser.until(lambda: browser.text_of(".error"), "no reason is given")

    browser.until(lambda: "Too many failed logins: try again in" in guess_on(), "nobody has to wait")


def test_a_store_that_goes_away_is_missed_and_found_again(store, browser):
    log_in(browser, "ann")
    browser.find("h1", "Secrets")
    store.stop()
    browser.sees("The store does not answer.")
    store.start()
    browser.find("h1", "The store is sealed")
    assert "does not answer" not in browser.text
    store.unseal()
    browser.find("h1", "Secrets")


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


def test_a_session_that_has_ended_takes_everything_with_it(store, browser):
    put(store, "ended/one", "seen-before")
    log_in(browser, "ann")
    go(browser, "#/secret/default/ended/one")
    browser.press("Show")
    browser.sees("seen-before")
    assert api(store, "DELETE", "/acs/api/v1/users/ann/tokens").status == 204
    browser.press("Copy")
    browser.sees("Your session has ended. Sign in again.")
    assert "seen-before" not in browser.driver.page_source
    assert browser.driver.current_url == f"{store.url}/ui/#/"
    log_in(browser, "ann")
    browser.find("h1", "Secrets")


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


def test_markup_in_names_and_values_stays_text(store, browser):
    log_in(browser, "ann")
    for text in HOSTILE:
        name = text.replace("/", "|")
        put(store, f"hostile/{name}", text)
        go(browser, "#/secrets/default/hostile/")
        browser.click(".rows a", name)
        browser.find("h1", name)
        browser.press("Show")
        browser.until(lambda text=text: browser.text_of("#value") == text, "the value is not shown as it is")
        browser.press("Delete")
        assert f"hostile/{name}" in browser.text_of("dialog")
        alien = "return document.querySelectorAll('img[src=x], main script').length"
        assert browser.driver.execute_script(alien) == 0
        browser.press("Cancel")
        assert browser.complaints() == []


def test_the_console_would_show_what_the_policy_stops(module_browser, store):
    """What the other tests rely on: a violation is seen, and has no effect."""
    module_browser.open(f"{store.url}/ui/")
    module_browser.find("h1", "Sign in")
    module_browser.complaints()
    script = """
        document.body.setAttribute("style", "color: red");
        const script = document.createElement("script");
        try { script.text = "window.hit = true"; document.head.append(script); } catch {}
        try { document.body.innerHTML = "<img src=x onerror='window.hit = true'>"; } catch {}
        return [window.hit, getComputedStyle(document.body).color === "rgb(255, 0, 0)"];
    """
    assert module_browser.driver.execute_script(script) == [None, False]
    complaints = module_browser.complaints()
    assert any("style" in line and "Content Security Policy" in line for line in complaints)
    assert any("TrustedScript" in line or "TrustedHTML" in line for line in complaints)


def test_when_the_store_is_sealed_nothing_stays_and_keys_open_it_again(store, browser):
    put(store, "quiet/name-not-to-see", "value-not-to-see")
    use_token(browser, store.root_token)
    go(browser, "#/secret/default/quiet/name-not-to-see")
    browser.press("Show")
    browser.sees("value-not-to-see")
    assert api(store, "PUT", "/secrets/v1/seal/default").status == 200
    browser.find("h1", "The store is sealed")
    page = browser.driver.page_source + browser.driver.title + browser.driver.current_url
    assert "not-to-see" not in page
    assert browser.all("nav, button", "Sign out") == []
    assert browser.driver.current_url == f"{store.url}/ui/#/"
    browser.sees("0 of 3 keys")

    browser.fill("Unseal key", "no key at all")
    browser.press("Hand in the key")
    browser.until(lambda: [place.text for place in browser.all(".error") if place.text], "no reason is given")
    browser.fill("Unseal key", store.shares[0])
    browser.press("Hand in the key")
    browser.sees("1 of 3 keys")
    browser.type_into("input", "half typed", text="Unseal key")
    store.client("").unseal(store.shares[1])  # by somebody else
    browser.sees("2 of 3 keys")
    assert browser.value_of("input", "Unseal key") == "half typed"
    browser.press("Start over")
    browser.sees("0 of 3 keys")
    for share in store.shares[1:4]:
        browser.fill("Unseal key", share)
        browser.press("Hand in the key")
        browser.until(lambda: not any(browser.values("input[type=password]")), "the key stays in the field")
    browser.find("h1", "Secrets")


def test_a_superuser_sees_the_stores_and_seals_them_after_a_question(store, browser):
    log_in(browser, "sue")
    browser.press("Stores")
    assert "default" in browser.text_of("tbody th")
    assert "open" in browser.text_of("tbody tr")
    browser.press("Seal")
    browser.press("Cancel")
    assert store.client("").seal_status().sealed is False
    browser.press("Seal")
    browser.click("dialog button", "Seal")
    browser.find("h1", "The store is sealed")
    browser.driver.refresh()
    browser.find("h1", "The store is sealed")
    store.unseal()
    browser.find("h1", "Secrets")  # the page goes on by itself, for who is logged in


def test_who_may_not_list_sees_a_panel_and_no_names(store, browser):
    put(store, "given/one", "for-bob")
    put(store, "given/other", "not-for-bob")
    log_in(browser, "bob")
    browser.find("h2", "Permission denied")
    browser.sees("dcos:secrets:list:default:/")
    assert "given" not in browser.driver.page_source
    assert browser.all("a", "People") == []
    browser.fill("Path", "/given/one")
    browser.press("Open the secret")
    browser.press("Show")
    browser.sees("for-bob")
    go(browser, "#/secret/default/given/other")
    browser.find("h1", "other")
    browser.press("Show")
    browser.sees("ermission denied")
    assert "not-for-bob" not in browser.driver.page_source
    go(browser, "#/people")
    browser.find("h1", "Permission denied")
    assert "ann" not in browser.text.split()
    go(browser, "#/stores")
    browser.find("h1", "Secret stores")
    assert browser.all("button", "Seal") == []


def test_people_and_what_they_were_granted(store, browser):
    description = "<b>Accounting</b>"
    log_in(browser, "sue")
    browser.press("People")
    browser.press("New user")
    browser.fill("Name", "kim")
    browser.fill("Description", description)
    browser.fill("Password", PASSWORD)
    browser.click("form button", "Create")
    browser.find("h1", "kim")
    browser.sees("None: no rule means no.")
    browser.press("Grant a permission")
    browser.type_into("select", "All secrets in a folder", text="Resource")
    browser.fill("Path", "team/db")
    browser.press("Grant")
    browser.find(".rows code", "dcos:secrets:default:/team/db/*")
    put(store, "team/db/pw", "for-kim")
    login = ask(store, "POST", "/acs/api/v1/auth/login", {"uid": "kim", "password": PASSWORD}, token="")
    assert api(store, "GET", f"{SECRET}/team/db/pw", token=login.json["token"]).json == {"value": "for-kim"}
    browser.press("Take back read on dcos:secrets:default:/team/db/*")
    browser.sees("None: no rule means no.")
    browser.until(
        lambda: api(store, "GET", f"{SECRET}/team/db/pw", token=login.json["token"]).status == 403,
        "the permission stays",
    )
    go(browser, "#/people")
    browser.sees(description)
    go(browser, "#/people/users/kim")
    browser.press("Delete")
    browser.click("dialog button", "Delete")
    browser.find("h1", "People")
    browser.until(lambda: not browser.all("a", "kim"), "the user stays")


ATTACK = """<!doctype html><title>waiting</title><body><script>
const PATHS = ["secrets/v1/secret/default/target", "secrets/v1/seal/default", "acs/api/v1/users/eve"];
const tries = [];
for (const method of ["PUT", "PATCH", "DELETE", "POST", "GET"])
  for (const mode of ["cors", "no-cors"])
    for (const path of PATHS) {
      const body = method === "GET" ? undefined : '{"value":"forged"}';
      const what = {method, mode, body, credentials: "include"};
      tries.push(fetch(`${STORE}/${path}`, what).then((answer) => answer.text()));
    }
tries.push(fetch(STORE + "/acs/api/v1/auth/logout", {mode: "no-cors", credentials: "include"}));
tries.push(fetch(STORE + "/acs/api/v1/auth/login", {method: "POST", mode: "no-cors", credentials: "include",
  body: new Blob(['{"uid":"eve","password":"PASSWORD"}'])}));
Promise.allSettled(tries).then((all) => {
  const read = all.some((one) => typeof one.value === "string" && one.value !== "");
  document.title = read ? "read something" : "done";
});
</script>"""


def test_a_page_of_another_port_gets_nothing_done_in_the_visitors_name(store, module_browser):
    """Another port of 127.0.0.1 is the same site to a browser: the cookie goes along, SameSite or not."""
    put(store, "target", "untouched")
    module_browser.open(f"{store.url}/ui/")
    log_in(module_browser, "sue")
    module_browser.find("h1", "Secrets")
    page = ATTACK.replace("STORE", f"'{store.url}'").replace("PASSWORD", PASSWORD).encode()
    with other_site(page) as address:
        module_browser.driver.get(address)
        module_browser.until(lambda: module_browser.driver.title != "waiting", "the attack does not end")
        assert module_browser.driver.title == "done"
    assert value_of(store, "target").json == {"value": "untouched"}
    assert store.client("").seal_status().sealed is False
    assert api(store, "GET", "/acs/api/v1/users/eve").status == 200
    module_browser.driver.get(f"{store.url}/ui/")
    module_browser.find("h1", "Secrets")
    assert module_browser.text_of(".who").split() == ["sue", "superuser"]


class other_site:  # noqa: N801 - used like a function
    """A page on a port of its own."""

    def __init__(self, page):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                self.wfile.write(page)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self.server.server_port}/"

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


VIEWS = (
    "#/secrets/default/",
    "#/secrets/default/look/",
    "#/secret/default/look/one",
    "#/new/default/",
    "#/edit/default/look/one",
    "#/stores",
    "#/people",
    "#/people/users/ann",
    "#/nothing-here",
)

# WCAG 2.1, 1.4.3: 4.5 to 1 for text; what is disabled is left out, as the clause does.
LOW_CONTRAST = """
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
    .map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = parse(getComputedStyle(at).backgroundColor);
      if (color.length < 4 || color[3] > 0) return color;
    }
    return [255, 255, 255];
  };
  const bad = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility()) continue;
    if (element.closest(":disabled")) continue;
    const [one, other] = [light(parse(getComputedStyle(element).color)), light(ground(element))];
    const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    if (ratio < 4.5) bad.push(`${walker.currentNode.data}: ${ratio.toFixed(2)}`);
  }
  return bad;
"""


@pytest.mark.parametrize("dark", [pytest.param(False, id="light"), pytest.param(True, id="dark")])
def test_every_view_is_named_readable_and_fits_a_small_screen(store, browser, dark):
    name = "look/one" if not dark else "look/" + "long" * 50
    put(store, name)
    browser.look(width=360, height=740, dark=dark)
    problems = []

    def inspect(view, within="body"):
        found = browser.until(lambda: [defects(within)], f"{view} does not come to rest")[0]
        problems.extend(f"{view}: {defect}" for defect in found)

    def defects(within):
        width = browser.driver.execute_script("return document.documentElement.scrollWidth")
        leaks = {"false", "true", "null", "undefined", "NaN", "[object Object]"} & set(
            browser.text.splitlines()
        )
        headings = browser.all("h1")
        return [
            *[f"{width} px wide"] * (width > 360),
            *browser.driver.execute_script(LOW_CONTRAST),
            *(
                f"a {element.tag_name} without a name"
                for element in browser.all(
                    f"{within} :is(a, button, input, select, textarea, summary, progress)"
                )
                if not element.accessible_name
            ),
            *leaks,
            *[f"{len(headings)} main headings"] * (len(headings) != 1),
        ]

    browser.find("h1", "Sign in")
    inspect("sign in")
    log_in(browser, "sue")
    browser.find("h1", "Secrets")
    for view in VIEWS:
        before = browser.find("h1")
        go(browser, view.replace("look/one", name))
        browser.until(partial(is_gone, before), f"{view} does not come")
        browser.find("h1")
        inspect(view)
    go(browser, f"#/secret/default/{name}")
    browser.press("Delete")
    inspect("question", within="dialog")
    browser.press("Cancel")
    assert problems == []


def is_gone(element):
    try:
        return not element.is_displayed()
    except StaleElementReferenceException:
        return True
