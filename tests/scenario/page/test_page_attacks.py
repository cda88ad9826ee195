"""What others write stays text, and what other sites send is not done in the visitor's name."""

import http.server
import threading

from tests.support.page import PASSWORD, api, go, log_in, put, value_of

HOSTILE = [
    "<img src=x onerror=alert(1)>",
    '"><script>alert(1)</script>',
    "javascript:alert(1)",
    "'-alert(1)-'",
    "${alert(1)}{{7*7}}",
    "a&amp;b&lt;i&gt;",
    "%3Cb%3E#x?y=1&z",
]


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
