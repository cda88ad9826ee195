"""A provider that lies, or somebody who comes back in its name, gets no token into a context."""

import http.client
import threading
import time
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from tests.support.https_service import HttpsService

from holdfast.cli.errors import LocalError
from holdfast.cli.hfctl import provider_login
from holdfast.cli.hfctl.context_file import context_file
from holdfast.cli.hfctl.provider_login import WELL_KNOWN, log_in, refresh
from holdfast.cli.hfctl.token_places import Secrets
from holdfast.errors import HoldfastError, InvalidInputError
from holdfast.model import SecretBytes
from holdfast.tokens.compact import write_compact
from holdfast.tokens.shared_secret import SharedSecretKey

KEY = SharedSecretKey(SecretBytes(b"k" * 32))


@pytest.fixture
def service(tmp_path):
    with HttpsService(tmp_path) as service:
        service.pages[WELL_KNOWN] = {
            "issuer": service.url,
            "authorization_endpoint": service.url + "/auth?kind=people",
            "token_endpoint": service.url + "/token",
        }
        yield service


@pytest.fixture
def settings(service, tmp_path):
    return {"issuer": service.url, "client_id": "hfctl", "ca": str(tmp_path / "service-ca.pem")}


@pytest.fixture
def came(monkeypatch):
    """Somebody comes back from the address that is shown; with what, a test says."""
    answers = {"code": lambda asked: "code-1", "state": lambda asked: asked["state"]}
    asked = {}
    threads = []

    def come_back(query):
        parts = urlsplit(asked["redirect_uri"])
        connection = http.client.HTTPConnection(parts.netloc, timeout=60)
        connection.request("GET", f"{parts.path}?{urlencode(query)}")
        connection.getresponse().read()
        connection.close()

    def show(url, **_):
        asked.update(parse_qsl(urlsplit(url).query))
        query = {name: answer(asked) for name, answer in answers.items()}
        threads.append(threading.Thread(target=come_back, args=(query,)))
        threads[-1].start()

    monkeypatch.setattr(provider_login, "show_address", show)
    yield answers, asked
    for thread in threads:
        thread.join(60)


def give(service, asked, **changes):
    """Have the provider give tokens for whatever is sent; return what was sent."""
    sent = []

    def token(_path, _headers, form):
        sent.append(form)
        claims = {"iss": service.url, "sub": "ann", "exp": time.time() + 600, "nonce": asked.get("nonce")}
        given = {
            "id_token": write_compact({**claims, **changes.get("claims", {})}, KEY),
            "refresh_token": "r-2",
        }
        return changes.get("status", 200), {**given, **changes.get("answer", {})}

    service.pages["/token"] = token
    return sent


def test_who_comes_back_gets_his_tokens_for_the_code_and_its_proof(service, settings, came):
    _, asked = came
    sent = give(service, asked)
    given = log_in(settings, port=0, opens_browser=False)
    assert given.refresh_token.reveal() == b"r-2"
    assert given.token.reveal().count(b".") == 2
    assert (asked["kind"], asked["code_challenge_method"], asked["prompt"]) == ("people", "S256", "consent")
    assert (sent[0]["code"], sent[0]["client_id"], sent[0]["redirect_uri"]) == (
        "code-1",
        "hfctl",
        asked["redirect_uri"],
    )
    assert len(sent[0]["code_verifier"]) == 43


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        pytest.param({"claims": {"nonce": "of another login"}}, "answered another login", id="nonce"),
        pytest.param({"claims": {"nonce": None}}, "answered another login", id="no-nonce"),
        pytest.param({"answer": {"id_token": None}}, "no identity token", id="no-identity-token"),
        pytest.param({"answer": {"id_token": "canary"}}, "token", id="no-token-at-all"),
        pytest.param({"status": 400, "answer": {"error": "invalid_grant"}}, "refuses", id="refused"),
    ],
)
def test_what_the_provider_gives_must_be_for_this_login(service, settings, came, changes, text):
    give(service, came[1], **changes)
    with pytest.raises(HoldfastError, match=text) as caught:
        log_in(settings, port=0, opens_browser=False)
    assert "canary" not in caught.value.message


def test_who_comes_back_from_another_provider_is_not_believed(service, settings, came):
    answers, asked = came
    answers["iss"] = lambda asked: "https://evil.example"
    sent = give(service, asked)
    with pytest.raises(LocalError, match="another provider"):
        log_in(settings, port=0, opens_browser=False)
    assert sent == []


def test_who_was_not_let_in_gets_nothing(service, settings, came):
    answers, asked = came
    del answers["code"]
    answers["error"] = lambda asked: "access_denied"
    sent = give(service, asked)
    with pytest.raises(LocalError, match="let nobody in"):
        log_in(settings, port=0, opens_browser=False)
    assert sent == []


@pytest.mark.parametrize(
    ("document", "text"),
    [
        pytest.param({"issuer": "https://evil.example"}, "calls itself something else", id="another-name"),
        pytest.param({}, "calls itself something else", id="no-name"),
        pytest.param(b"<html>", "not a JSON object", id="a-page"),
        pytest.param(b"[]", "not a JSON object", id="a-list"),
    ],
)
def test_a_provider_has_to_be_who_was_asked(service, settings, document, text):
    service.pages[WELL_KNOWN] = lambda *_: (200, document)
    with pytest.raises(LocalError, match=text):
        log_in(settings, port=0, opens_browser=False)


def test_a_provider_that_names_no_place_for_tokens(service, settings):
    service.pages[WELL_KNOWN] = {"issuer": service.url}
    with pytest.raises(LocalError, match="names no authorization_endpoint"):
        log_in(settings, port=0, opens_browser=False)


def test_a_provider_over_plain_http_elsewhere_is_refused(settings):
    with pytest.raises(InvalidInputError, match="--oidc-issuer"):
        log_in({**settings, "issuer": "http://10.0.0.1"}, port=0, opens_browser=False)


def test_a_provider_that_does_not_rotate_refresh_tokens_has_its_old_one_kept(service, settings):
    sent = give(service, {}, answer={"refresh_token": None})
    given = refresh(settings, Secrets(refresh_token=SecretBytes(b"r-1")), seconds=20)
    assert (sent[0]["grant_type"], sent[0]["refresh_token"]) == ("refresh_token", "r-1")
    assert given.refresh_token.reveal() == b"r-1"


def test_without_a_refresh_token_somebody_has_to_log_in(settings):
    with pytest.raises(LocalError, match="log in again"):
        refresh(settings, Secrets(), seconds=20)


def test_a_context_from_a_refresh_token_needs_no_browser(service, settings, hfctl, home, tmp_path):
    give(service, {})
    (tmp_path / "refresh").write_text("r-1\n")
    words = [f"--oidc-issuer={service.url}", "--oidc-client-id=hfctl", f"--oidc-ca={settings['ca']}"]
    words += [f"--oidc-refresh-token-file={tmp_path / 'refresh'}", "--keep-in=file"]
    code, out, err = hfctl("context", "create", "me", *words)
    assert (code, out, err) == (0, "Context me saved\n", "")
    assert "refresh_token: r-2" in context_file(home).read_text()
    listed = hfctl("context", "list")[1]
    assert "r-2" not in listed
    assert "by: provider" in listed
