"""What a token says can be read without a node, and is never taken for verified."""

import json
import time

import pytest

from holdfast.model import SecretBytes
from holdfast.tokens.generate import generate_token
from holdfast.tokens.shared_secret import SharedSecretKey
from holdfast.tokens.user_file import User


@pytest.fixture
def token_file(tmp_path):
    def write(*, age=0, lifetime=600):
        token = generate_token(
            User(name="Alice", email="a@example.com", sub="alice", roles=("system.user",), groups=("a", "b")),
            issuer="px.example",
            key=SharedSecretKey(SecretBytes(b"k" * 32), key_id="k1"),
            issued_at=time.time() - age,
            lifetime_seconds=lifetime,
        )
        path = tmp_path / "token"
        path.write_text(token + "\n")
        return str(path)

    return write


@pytest.mark.parametrize(
    ("life", "status"),
    [
        pytest.param({}, "Ok", id="good"),
        pytest.param({"age": 1000}, "expired", id="over"),
        pytest.param({"age": -1000}, "not valid yet", id="not-yet"),
    ],
)
def test_a_token_is_shown(hfctl, token_file, life, status):
    code, out, _ = hfctl("auth", "token", "inspect", "--token-file", token_file(**life))
    rows = {line.split("    ")[0]: line.split("    ")[-1].strip() for line in out.splitlines()}
    assert code == 0
    assert (rows["Name"], rows["Subject"], rows["Groups"]) == ("Alice", "alice", "a, b")
    assert status in rows["Status"]
    assert rows["Signature"].startswith("not verified")


def test_programs_get_the_claims(hfctl, token_file):
    code, out, _ = hfctl("auth", "token", "inspect", "-j", "--token-file", token_file())
    shown = json.loads(out)
    assert (code, shown["claims"]["sub"], shown["header"]["kid"], shown["verified"]) == (
        0,
        "alice",
        "k1",
        False,
    )


def test_the_token_of_a_context_is_shown(hfctl, token_file):
    hfctl("context", "create", "alice", "--token-file", token_file(), "--keep-in=file")
    assert "Alice" in hfctl("auth", "token", "inspect")[1]
    hfctl("context", "unset")
    assert "Alice" in hfctl("auth", "token", "inspect", "--context", "alice")[1]
    code, _, err = hfctl("auth", "token", "inspect")
    assert (code, "a context that has one" in err) == (1, True)


@pytest.mark.parametrize("text", ["canary", "canary.canary.canary", "", "eyJhbGciOiJub25lIn0.e30."])
def test_what_is_no_token_is_said_without_repeating_it(hfctl, tmp_path, text):
    (tmp_path / "token").write_text(text)
    code, out, err = hfctl("auth", "token", "inspect", "--token-file", str(tmp_path / "token"))
    assert (code, "canary" in out + err, "defect" in err) == (1, False, False)


@pytest.mark.parametrize(
    "words",
    [
        pytest.param((), id="nothing"),
        pytest.param(("--id=a", "--subject=b"), id="two-things"),
        pytest.param(("--id=a", "--issued-before=2030-01-01T00:00:00Z"), id="a-time-for-one-token"),
        pytest.param(("--subject=a", "--issued-before=canary"), id="no-time"),
        pytest.param(("--subject=a", "--issued-before=0001-01-01T00:00:00+14:00"), id="before-all-years"),
        pytest.param(("--subject=a", "--issued-before=9999-12-31T23:00:00-12:00"), id="after-all-years"),
    ],
)
def test_it_must_be_clear_what_is_revoked(hfctl, words):
    code, _, err = hfctl("auth", "token", "revoke", *words)
    assert (code, "canary" in err, "defect" in err) == (1, False, False)
