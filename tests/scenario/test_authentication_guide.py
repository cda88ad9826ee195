"""docs/authentication.md, carried out: every block in order, on a real storage node."""

import re
import time

import pytest
from tests.support.guide import DOCS, Reader, blocks_of

from holdfast.node.errors import RoleDeniedError
from holdfast.node.tokens.revocation_book import MAX_REVOCATIONS
from holdfast.node.tokens.token_watch import BLIND_SECONDS
from holdfast.storage.errors import StorageUnavailableError
from holdfast.tokens.errors import IssuerUnavailableError, Reason, RevocationsUnavailableError
from holdfast.tokens.published_keys import FRESH_SECONDS, PAUSE_SECONDS, STALE_SECONDS
from holdfast.tokens.renewal import NotRenewableError, RenewalEndedError

GUIDE = "authentication.md"
WAIT_SECONDS = 60.0


@pytest.fixture
def reader(tmp_path):
    someone = Reader(tmp_path)
    someone.environment["HOLDFAST_NODE"] = someone.here("http://127.0.0.1:9021")
    yield someone
    someone.stop()


def test_the_guide_works_as_it_is_written(reader):
    said, awaited = "", [("second", "exit 0"), ("first", "exit 1")]
    for _, text in blocks_of(GUIDE):
        if "holdfast node" in text:
            more = " --listen 127.0.0.1:9021 --mount-root /mnt --disable-mlock"
            reader.start(text.rstrip() + more, address="127.0.0.1:9021")
        else:
            said += reader.type(text)
        if "kill -HUP" in text:
            wait_for_reload(reader, *awaited.pop(0))
    assert "Ann" in said
    # The shell goes on after `! command`, whichever way that ends.
    for refused in ("whoami --context=second", "auth token renew --context=third"):
        reader.type(f"hfctl {refused} && exit 1 || test $? = 2")


def wait_for_reload(reader, name, text):
    """Wait until the node has read its files, as a person does who types the next line."""
    reader.type(
        "hfctl auth token generate --auth-config=ann.yaml --issuer=example.com"
        f" --ecdsa-private-keyfile={name}.pem --token-duration=1m --output=probe.token"
        " && hfctl context create probe --token-file=probe.token"
    )
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        ended = reader.type("hfctl whoami --context=probe >/dev/null 2>&1 && echo exit 0 || echo exit 1")
        if ended.strip() == text:
            return
        assert time.monotonic() < deadline


def test_every_reason_is_explained_and_no_other():
    text = (DOCS / GUIDE).read_text(encoding="utf-8")
    table = text[text.index("| Reason | Status |") : text.index("A reason about what")]
    rows = {
        word: status
        for words, status in re.findall(r"^\| (`.*?`) \| (\d+) \|", table, re.MULTILINE)
        for word in re.findall(r"`(\w+)`", words)
    }
    expected = dict.fromkeys((reason.value for reason in Reason), "401")
    away = {IssuerUnavailableError().reason, RevocationsUnavailableError().reason}
    expected |= dict.fromkeys(away | {name_of(StorageUnavailableError)}, "503")
    expected |= {name_of(kind): "409" for kind in (NotRenewableError, RenewalEndedError)}
    assert rows == expected
    assert RoleDeniedError.gate == "role"


def name_of(kind):
    return re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__.removesuffix("Error")).lower()


def test_the_figures_are_those_of_the_code():
    text = " ".join((DOCS / GUIDE).read_text(encoding="utf-8").split())
    assert (FRESH_SECONDS, PAUSE_SECONDS, STALE_SECONDS) == (600, 10, 6 * 3600)
    assert "within ten minutes" in text
    assert "every ten seconds" in text
    assert "for six hours" in text
    assert (MAX_REVOCATIONS, BLIND_SECONDS) == (10_000, 5)
    assert "10,000" in text
    assert "within five seconds" in text
