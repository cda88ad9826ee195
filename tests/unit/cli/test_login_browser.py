"""Logging in with a browser at a terminal: where it waits, whom it takes, and how it ends."""

import http.client
import json
import re
import subprocess
import sys
import threading
import time
from urllib.parse import urlencode

import pytest

from holdfast.cli import browser_callback
from holdfast.cli.holdfast import login_browser
from holdfast.cli.holdfast.commands import PROGRAM

AUTH = {"auth": {"client_token": "hvs.given", "policies": ["default"], "lease_duration": 60}}
BEGIN = ("POST", "/v1/auth/oidc/oidc/auth_url")
URL = "https://provider.example/auth?state=the-state&nonce=n"


def begins(wire, path="oidc", **more):
    wire.answers["POST", f"/v1/auth/{path}/oidc/auth_url"] = (200, {"data": {"auth_url": URL, **more}})


class Terminal:
    """``holdfast login -method=oidc`` in a process of its own, which waits."""

    def __init__(self, wire, home, *words):
        environment = {"HOME": str(home), "HOLDFAST_ADDR": wire.url, "PATH": "/nowhere"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "holdfast.cli.holdfast", "login", "-method=oidc", *words],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.said = ""
        for line in self.process.stderr:
            self.said += line
            if "Waiting" in line:
                break

    def end(self):
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out, self.said + err

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


def come_back(port, *, path="/oidc/callback", method="GET", **query):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(method, f"{path}?{urlencode(query)}")
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response.status, body


def port_of(wire):
    return int(re.search(r":(\d+)/oidc/callback$", wire.requests[0][2]["redirect_uri"])[1])


def test_whoever_comes_back_with_the_state_ends_the_login(wire, home):
    begins(wire)
    with Terminal(wire, home, "role=people", "port=0", "-format=json") as terminal:
        assert URL in terminal.said
        port, sent = port_of(wire), wire.requests[0][2]
        assert (sent["role"], sent["redirect_uri"]) == ("people", f"http://localhost:{port}/oidc/callback")
        query = {"state": "the-state", "code": "c0de", "iss": "https://provider.example"}
        wanted = urlencode({**query, "client_nonce": sent["client_nonce"]})
        wire.answers["GET", f"/v1/auth/oidc/oidc/callback?{wanted}"] = (200, AUTH)
        for astray in ({"path": "/favicon.ico"}, {"state": "guessed"}, {"method": "POST", "state": "x"}):
            assert come_back(port, **{"code": "x", **astray})[0] in {404, 501}
        status, page = come_back(port, **query)
        assert status == 200
        assert b"c0de" not in page
        code, out, err = terminal.end()
    assert (code, json.loads(out)["auth"]["client_token"]) == (0, "hvs.given")
    assert (home / ".holdfast-token").read_text() == "hvs.given"
    assert "c0de" not in err


def test_a_refusal_of_the_provider_is_the_store_s_to_tell(wire, home):
    begins(wire)
    with Terminal(wire, home, "port=0") as terminal:
        nonce = wire.requests[0][2]["client_nonce"]
        wanted = urlencode({"state": "the-state", "error": "access_denied", "client_nonce": nonce})
        refusal = {"errors": ["login failed: the provider refused: access_denied"]}
        wire.answers["GET", f"/v1/auth/oidc/oidc/callback?{wanted}"] = (400, refusal)
        come_back(port_of(wire), state="the-state", error="access_denied")
        code, out, err = terminal.end()
    assert (code, out) == (2, "")
    assert "the provider refused: access_denied" in err
    assert list(home.iterdir()) == []


def test_a_script_gets_the_token_alone_and_nothing_is_kept(wire, home):
    begins(wire, "sso")
    with Terminal(wire, home, "-path=sso/", "-token-only", "port=0") as terminal:
        nonce = wire.requests[0][2]["client_nonce"]
        wanted = urlencode({"state": "the-state", "code": "c", "client_nonce": nonce})
        wire.answers["GET", f"/v1/auth/sso/oidc/callback?{wanted}"] = (200, AUTH)
        come_back(port_of(wire), state="the-state", code="c")
        assert terminal.end()[:2] == (0, "hvs.given\n")
    assert list(home.iterdir()) == []


def test_the_store_is_asked_until_somebody_came_back_to_it(wire, home, monkeypatch, capsys):
    begins(wire, state="the-state", poll_interval=1)
    pending = (400, {"errors": ["authorization_pending"]})
    wire.answers["POST", "/v1/auth/oidc/oidc/poll"] = pending

    def somebody():
        until = time.monotonic() + 20
        while not any(path.endswith("/poll") for _, path, _ in wire.requests) and time.monotonic() < until:
            time.sleep(0.01)
        wire.answers["POST", "/v1/auth/oidc/oidc/poll"] = (200, AUTH)

    thread = threading.Thread(target=somebody)
    monkeypatch.setattr(login_browser, "_seconds", lambda _: 0.01)
    thread.start()
    assert PROGRAM.main(["login", "-method=oidc", "callbackmode=direct", "role=people"]) == 0
    thread.join(60)
    sent = wire.requests[0][2]
    assert sent["redirect_uri"] == f"{wire.url}/v1/auth/oidc/oidc/callback"
    assert wire.requests[-1][2] == {"state": "the-state", "client_nonce": sent["client_nonce"]}
    assert (home / ".holdfast-token").read_text() == "hvs.given"


def test_a_refusal_ends_the_asking(wire, home):
    begins(wire, state="the-state", poll_interval=1)
    wire.answers["POST", "/v1/auth/oidc/oidc/poll"] = (400, {"errors": ["login failed: expired"]})
    assert PROGRAM.main(["login", "-method=oidc", "callbackmode=direct"]) == 2


def test_the_store_may_be_known_to_people_under_another_name(wire, home):
    begins(wire)
    words = ["callbackmode=direct", "callbackmethod=https", "callbackhost=vault.example", "callbackport=8443"]
    assert PROGRAM.main(["login", "-method=oidc", *words]) == 1  # the role does not want it
    redirect = "https://vault.example:8443/v1/auth/oidc/oidc/callback"
    assert wire.requests[0][2]["redirect_uri"] == redirect
    assert PROGRAM.main(["login", "-method=oidc", "-namespace=team/a/", *words]) == 1
    redirect = "https://vault.example:8443/v1/team/a/auth/oidc/oidc/callback"
    assert wire.requests[1][2]["redirect_uri"] == redirect


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["port=x"], id="no port"),
        pytest.param(["port=70000"], id="no such port"),
        pytest.param(["listenaddress=0.0.0.0"], id="for everybody"),
        pytest.param(["listenaddress=10.0.0.1"], id="for the network"),
        pytest.param(["callbackmethod=ftp"], id="another scheme"),
        pytest.param(["callbackmode=device"], id="another mode"),
        pytest.param(["skip_browser=perhaps"], id="neither"),
        pytest.param(["colour=red"], id="no such field"),
        pytest.param(["role=a", "role=b"], id="two roles"),
    ],
)
def test_what_cannot_be_meant_is_a_mistake_on_this_side(wire, home, words):
    assert PROGRAM.main(["login", "-method=oidc", *words]) == 1
    assert wire.requests == []


def test_an_address_that_is_not_given_is_no_login(wire, home, capsys):
    wire.answers[BEGIN] = (200, {"data": {"auth_url": ""}})
    assert PROGRAM.main(["login", "-method=oidc", "port=0"]) == 1
    assert "allowed_redirect_uris" in capsys.readouterr().err


def test_a_port_that_is_taken_is_said_to_be(wire, home, capsys):
    assert PROGRAM.main(["login", "-method=oidc", f"port={wire.url.rpartition(':')[2]}"]) == 1
    assert "choose another with port=" in capsys.readouterr().err


def test_a_browser_opens_only_when_asked_and_only_for_the_web(monkeypatch):
    opened = []
    monkeypatch.setattr("webbrowser.open", lambda url: opened.append(url) or True)
    browser_callback.show_address(URL, opens_browser=False)
    browser_callback.show_address("file:///etc/passwd", opens_browser=True)
    assert opened == []
    browser_callback.show_address(URL, opens_browser=True)
    assert opened == [URL]


def test_nobody_is_waited_for_without_end(monkeypatch):
    with browser_callback.CallbackListener("127.0.0.1", 0) as listener:
        listener.timeout = 0.01
        times = iter([0.0, 1.0, browser_callback.WAIT_SECONDS])
        with pytest.raises(browser_callback.LocalError, match="nobody came back"):
            listener.wait(lambda: next(times))
