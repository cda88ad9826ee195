"""What operators do with a running store, as clients of the Vault API see it: shares, keys, quotas, tools."""

import re

import pytest
from tests.support.local_store import StoreUnderTest

UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


@pytest.fixture
def store():
    return StoreUnderTest().initialize()


@pytest.fixture
def ask(store):
    def ask(method, path, body=None, *, token=None):
        return store.vault(method, f"sys/{path}", body, token=token or store.root)

    return ask


class TestRekey:
    @pytest.mark.parametrize("path", ["rekey", "rotate/root"])
    def test_from_the_beginning_to_new_shares(self, store, ask, path):
        idle = ask("GET", f"{path}/init").json
        assert (idle["started"], idle["progress"], idle["required"], idle["nonce"]) == (False, 0, 3, "")
        begun = ask("PUT", f"{path}/init", {"secret_shares": 3, "secret_threshold": 2}).json
        assert (begun["started"], begun["t"], begun["n"], begun["required"]) == (True, 2, 3, 3)
        assert re.fullmatch(UUID, begun["nonce"])
        assert {"pgp_fingerprints", "backup", "verification_required", "verification_nonce"} <= set(begun)
        for number, share in enumerate(store.shares[:3], start=1):
            done = ask("PUT", f"{path}/update", {"key": share, "nonce": begun["nonce"]}).json
            assert (number == 3) or (done["progress"] == number)
        assert done["complete"] is True
        assert (len(done["keys"]), len(done["keys_base64"]), done["nonce"]) == (3, 3, begun["nonce"])
        store.seal()
        store.shares, store.threshold = done["keys"], 2
        store.unseal()

    def test_verified_shares_count_once_they_were_shown(self, store, ask):
        wanted = {"secret_shares": 2, "secret_threshold": 2, "require_verification": True}
        nonce = ask("PUT", "rekey/init", wanted).json["nonce"]
        for share in store.shares[:3]:
            dealt = ask("PUT", "rekey/update", {"key": share, "nonce": nonce}).json
        assert (dealt["verification_required"], bool(dealt["verification_nonce"])) == (True, True)
        assert ask("GET", "rekey/verify").json["t"] == 2
        for share in dealt["keys"]:
            shown = ask("PUT", "rekey/verify", {"key": share, "nonce": dealt["verification_nonce"]}).json
        assert shown["complete"] is True

    @pytest.mark.parametrize(
        ("method", "path", "body", "text"),
        [
            ("PUT", "rekey/update", {"key": "00" * 33, "nonce": "x"}, "no rekey in progress"),
            ("GET", "rekey/backup", None, "no backed-up keys found"),
        ],
    )
    def test_of_nothing(self, ask, method, path, body, text):
        answer = ask(method, path, body)
        assert (answer.status, answer.errors) == (400, [text])

    def test_what_does_not_fit(self, store, ask):
        nonce = ask("PUT", "rekey/init", {"secret_shares": 3, "secret_threshold": 2}).json["nonce"]
        again = ask("PUT", "rekey/init", {"secret_shares": 3, "secret_threshold": 2})
        assert (again.status, "rekey already in progress" in again.errors[0]) == (400, True)
        other = ask("PUT", "rekey/update", {"key": store.shares[0], "nonce": "other"})
        assert "incorrect nonce supplied; nonce for this rekey operation is" in other.errors[0]
        ask("PUT", "rekey/update", {"key": store.shares[0], "nonce": nonce})
        twice = ask("PUT", "rekey/update", {"key": store.shares[0], "nonce": nonce})
        assert "given key has already been provided during this generation operation" in twice.errors[0]
        assert ask("DELETE", "rekey/init").status == 204
        assert ask("GET", "rekey/init").json["started"] is False


class TestRotate:
    @pytest.mark.parametrize("path", ["rotate", "rotate/keyring"])
    @pytest.mark.parametrize("method", ["PUT", "POST"])
    def test_a_new_term(self, ask, path, method):
        before = ask("GET", "key-status").json
        assert set(before["data"]) == {"term", "install_time", "encryptions"}
        assert ask(method, path).status == 204
        assert ask("GET", "key-status").json["term"] == before["term"] + 1

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            ({"max_operations": 1_000_000}, 204),
            ({"max_operations": 3_865_470_566}, 204),
            ({"max_operations": 999_999}, 400),
            ({"max_operations": 3_865_470_567}, 400),
            ({"interval": "24h"}, 204),
            ({"interval": 0}, 204),
            ({"interval": "23h"}, 400),
            ({"enabled": False}, 204),
        ],
    )
    def test_its_configuration(self, ask, body, status):
        shown = ask("GET", "rotate/config").data
        assert shown == {"enabled": True, "max_operations": 3_865_470_566, "interval": 0}
        assert ask("POST", "rotate/config", body).status == status


class TestGenerateRoot:
    @pytest.mark.parametrize("path", ["generate-root", "generate-root-token"])
    def test_from_the_beginning_to_a_token(self, store, ask, path):
        begun = ask("PUT", f"{path}/attempt").json
        assert (begun["started"], begun["required"], begun["otp_length"], len(begun["otp"])) == (
            True,
            3,
            28,
            28,
        )
        assert re.fullmatch(r"[0-9A-Za-z]{28}", begun["otp"])
        assert {
            "nonce",
            "progress",
            "complete",
            "encoded_token",
            "encoded_root_token",
            "pgp_fingerprint",
        } <= set(begun)
        for share in store.shares[:3]:
            done = ask("PUT", f"{path}/update", {"key": share, "nonce": begun["nonce"]}).json
        assert done["complete"] is True
        assert "=" not in done["encoded_token"]
        decoded = store.vault(
            "POST", "sys/decode-token", {"encoded_token": done["encoded_token"], "otp": begun["otp"]}
        )
        assert store.vault("GET", "auth/token/lookup-self", token=decoded.data["token"]).data["policies"] == [
            "root"
        ]

    def test_with_a_pad_of_one_s_own(self, ask):
        assert ask("PUT", "generate-root/attempt", {"otp": "x" * 27}).status == 400
        assert ask("PUT", "generate-root/attempt", {"otp": "x" * 28}).json["otp"] == ""
        assert ask("GET", "generate-root/attempt").json["started"] is True
        assert ask("DELETE", "generate-root/attempt").status == 204
        assert ask("GET", "generate-root/attempt").json["started"] is False

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"otp": "x" * 28},
            {"otp": "x" * 28, "encoded_token": "!"},
            {"otp": "short", "encoded_token": "AAAA"},
            {"otp": "xxxx", "encoded_token": "////fw"},
        ],
    )
    def test_what_hides_no_token_is_400(self, store, body):
        assert store.vault("POST", "sys/decode-token", body).status == 400


@pytest.mark.parametrize("path", ["sys/rekey/init", "sys/generate-root/attempt"])
def test_without_a_token_ceremonies_are_for_listeners_that_say_so(store, path):
    assert store.vault("GET", path).status == 403


def test_a_quota_is_read_in_exactly_these_fields(ask):
    assert ask("POST", "quotas/rate-limit/q", {"path": "secret/", "rate": 5, "interval": "2s"}).status == 204
    shown = ask("GET", "quotas/rate-limit/q").data
    assert {
        name: shown[name] for name in ("name", "type", "path", "rate", "interval", "block_interval", "role")
    } == {
        "name": "q",
        "type": "rate-limit",
        "path": "secret/",
        "rate": 5,
        "interval": 2,
        "block_interval": 0,
        "role": "",
    }
    assert ask("LIST", "quotas/rate-limit").data["keys"] == ["q"]
    assert ask("GET", "quotas/config").data.keys() >= {
        "enable_rate_limit_audit_logging",
        "enable_rate_limit_response_headers",
        "rate_limit_exempt_paths",
    }
    assert ask("DELETE", "quotas/rate-limit/q").status == 204
    assert ask("POST", "quotas/rate-limit/q", {"path": "nothing/", "rate": 5}).status == 400


def test_what_over_the_quota_is_told(store, ask):
    ask("POST", "quotas/rate-limit/q", {"path": "secret/", "rate": 1, "interval": "1h"})
    store.vault("GET", "secret/data/a", token=store.root)
    answer = store.vault("GET", "secret/data/a", token=store.root)
    assert answer.status == 429
    assert {"X-Ratelimit-Limit", "X-Ratelimit-Remaining", "X-Ratelimit-Reset", "Retry-After"} <= set(
        answer.headers
    )
    for path in ("health", "seal-status"):
        assert store.vault("GET", f"sys/{path}").status == 200


@pytest.mark.parametrize(
    ("path", "body", "member", "length"),
    [
        ("tools/random", {}, "random_bytes", 44),
        ("tools/random/16", {"format": "hex"}, "random_bytes", 32),
        ("tools/hash", {"input": "aGVsbG8="}, "sum", 64),
        ("tools/hash/sha2-512", {"input": "aGVsbG8=", "format": "base64"}, "sum", 88),
    ],
)
def test_tools(ask, path, body, member, length):
    assert len(ask("POST", path, body).data[member]) == length


@pytest.mark.parametrize(
    ("method", "path", "members"),
    [
        ("GET", "host-info", {"cpu", "cpu_times", "disk", "host", "memory", "timestamp"}),
        ("LIST", "version-history", {"keys", "key_info"}),
        ("GET", "config/cors", {"enabled"}),
        ("GET", "plugins/catalog", {"auth", "secret", "database", "detailed"}),
        ("GET", "ha-status", {"nodes"}),
        ("GET", "replication/status", {"dr", "performance"}),
    ],
)
def test_what_tools_look_at(ask, method, path, members):
    assert members <= set(ask(method, path).data)


def test_pages_of_others_cannot_be_let_in(ask):
    assert ask("PUT", "config/cors", {"allowed_origins": "*"}).status == 400
    assert ask("DELETE", "config/cors").status == 204


def test_raw_storage_is_not_offered(ask):
    assert ask("GET", "raw/core/keyring").status == ask("LIST", "raw").status == 404
