"""Holders of shares deal new ones, or make a root token: with enough of them, and not otherwise."""

import base64

import pytest
from tests.support.local_store import StoreUnderTest

from holdfast.api.vault.open_ceremonies import OpenCeremonies
from holdfast.server.application import Application
from holdfast.store.ceremonies.root_generation import hide_token

WRONG_SHARES = [bytes([number + 7] * 32 + [number]).hex() for number in range(1, 4)]


@pytest.fixture
def store():
    return StoreUnderTest().initialize()


class Holders:
    """People with shares, who come together on one kind of path."""

    def __init__(self, store, path="sys/rekey", *, token=None):
        self.store = store
        self.path = path
        self.token = store.root if token is None else token

    def ask(self, method, name, body=None):
        return self.store.vault(method, f"{self.path}/{name}", body, token=self.token)

    def start(self, name="init", **wanted):
        answer = self.ask("PUT", name, wanted)
        assert answer.status == 200, answer.body
        return answer.json["nonce"]

    def hand_in(self, shares, nonce, name="update"):
        """Hand in shares one after the other; return the last answer."""
        for share in shares:
            answer = self.ask("PUT", name, {"key": share, "nonce": nonce})
        return answer


def unseals_with(store, shares):
    store.seal()
    for share in shares:
        answer = store.vault("PUT", "sys/unseal", {"key": share})
    return answer.status == 200 and answer.json["sealed"] is False


class TestRekey:
    @pytest.mark.parametrize("path", ["sys/rekey", "sys/rotate/root"])
    def test_enough_old_shares_deal_new_ones_and_every_secret_stays(self, store, path):
        store.vault("PUT", "secret/data/a", {"data": {"k": "v"}}, token=store.root)
        holders = Holders(store, path)
        nonce = holders.start(secret_shares=3, secret_threshold=2)
        assert holders.hand_in(store.shares[:2], nonce).json["progress"] == 2
        done = holders.hand_in(store.shares[2:3], nonce).json
        assert done["complete"] is True
        assert len(set(done["keys"])) == len(set(done["keys_base64"])) == 3
        assert not unseals_with(store, store.shares[:3])
        store.vault("PUT", "sys/unseal", {"reset": True})
        for share in done["keys"][:2]:
            status = store.vault("PUT", "sys/unseal", {"key": share}).json
        assert status["sealed"] is False
        assert store.vault("GET", "secret/data/a", token=store.root).data["data"] == {"k": "v"}

    def test_shows_how_far_it_is(self, store):
        holders = Holders(store)
        assert holders.ask("GET", "init").json["started"] is False
        nonce = holders.start(secret_shares=5, secret_threshold=3)
        holders.hand_in(store.shares[:1], nonce)
        told = holders.ask("GET", "init").json
        assert {name: told[name] for name in ("nonce", "started", "t", "n", "progress", "required")} == {
            "nonce": nonce,
            "started": True,
            "t": 3,
            "n": 5,
            "progress": 1,
            "required": 3,
        }

    def test_shares_of_nobody_deal_nothing_and_those_of_before_go_on_to_count(self, store):
        holders = Holders(store)
        nonce = holders.start(secret_shares=1, secret_threshold=1)
        answer = holders.hand_in(WRONG_SHARES, nonce)
        assert (answer.status, "keys" in answer.json) == (400, False)
        assert holders.ask("GET", "init").json["progress"] == 0
        assert unseals_with(store, store.shares[:3])

    @pytest.mark.parametrize(
        ("body", "told"),
        [
            pytest.param({"key": "NEW", "nonce": "another"}, "incorrect nonce", id="another-nonce"),
            pytest.param({"key": "NEW"}, "nonce: expected", id="no-nonce"),
            pytest.param({"nonce": "OWN"}, "key: expected", id="no-key"),
            pytest.param({"key": "USED", "nonce": "OWN"}, "already been provided", id="same-share-twice"),
            pytest.param({"key": "zz", "nonce": "OWN"}, "must be a valid hex", id="no-share"),
            pytest.param({"key": "00" * 16, "nonce": "OWN"}, "33 bytes", id="short-share"),
            pytest.param({"key": "NEW", "nonce": "\u00e4"}, "incorrect nonce", id="nonce-not-ascii"),
        ],
    )
    def test_what_does_not_fit_is_refused_and_progress_kept(self, store, body, told):
        holders = Holders(store)
        nonce = holders.start(secret_shares=1, secret_threshold=1)
        holders.hand_in(store.shares[:1], nonce)
        real = {"NEW": store.shares[1], "USED": store.shares[0], "OWN": nonce}
        answer = holders.ask("PUT", "update", {name: real.get(value, value) for name, value in body.items()})
        assert answer.status == 400
        assert told in answer.errors[0]
        assert not any(share in answer.errors[0] for share in store.shares)
        assert holders.ask("GET", "init").json["progress"] == 1

    @pytest.mark.parametrize(
        "wanted",
        [
            pytest.param({}, id="nothing"),
            pytest.param({"secret_shares": 3, "secret_threshold": 4}, id="threshold-over-shares"),
            pytest.param({"secret_shares": 3, "secret_threshold": 1}, id="one-of-several"),
            pytest.param({"secret_shares": 256, "secret_threshold": 2}, id="too-many"),
            pytest.param({"secret_shares": 2, "secret_threshold": 2, "pgp_keys": ["AAAA"]}, id="bad-key"),
        ],
    )
    def test_what_cannot_be_dealt_is_refused_before_anybody_comes(self, store, wanted):
        holders = Holders(store)
        assert holders.ask("PUT", "init", wanted).status == 400
        assert holders.ask("GET", "init").json["started"] is False

    def test_is_one_at_a_time_and_can_be_given_up(self, store):
        holders = Holders(store)
        nonce = holders.start(secret_shares=1, secret_threshold=1)
        assert "already in progress" in holders.ask("PUT", "init", {}).errors[0]
        assert holders.ask("DELETE", "init").status == 204
        assert "no rekey in progress" in holders.hand_in(store.shares[:1], nonce).errors[0]

    def test_ends_with_a_seal(self, store):
        holders = Holders(store)
        holders.start(secret_shares=1, secret_threshold=1)
        assert unseals_with(store, store.shares[:3])
        assert holders.ask("GET", "init").json["started"] is False

    def test_is_survived_by_a_store_that_starts_anew_with_the_new_shares(self, store):
        holders = Holders(store)
        nonce = holders.start(secret_shares=1, secret_threshold=1)
        store.shares, store.threshold = holders.hand_in(store.shares[:3], nonce).json["keys"], 1
        store.restart()
        assert store.is_live(store.root)


class TestVerification:
    @pytest.fixture
    def dealt(self, store):
        holders = Holders(store)
        nonce = holders.start(secret_shares=3, secret_threshold=2, require_verification=True)
        return holders, holders.hand_in(store.shares[:3], nonce).json

    def test_new_shares_count_only_once_they_were_shown(self, store, dealt):
        holders, told = dealt
        assert told["verification_required"] is True
        assert unseals_with(store, store.shares[:3])
        # The seal ended it: whoever lost a new share in between has lost nothing.
        assert "no rekey in progress" in holders.ask("GET", "verify").errors[0]

    def test_shown_they_count(self, store, dealt):
        holders, told = dealt
        done = holders.hand_in(told["keys"][1:], told["verification_nonce"], "verify").json
        assert done["complete"] is True
        assert unseals_with(store, told["keys"][:2])

    def test_old_shares_do_not_verify_new_ones(self, store, dealt):
        holders, told = dealt
        answer = holders.hand_in(store.shares[:2], told["verification_nonce"], "verify")
        assert answer.status == 400
        assert unseals_with(store, store.shares[:3])

    def test_can_begin_again(self, store, dealt):
        holders, told = dealt
        holders.hand_in(told["keys"][:1], told["verification_nonce"], "verify")
        again = holders.ask("DELETE", "verify").json
        assert again["progress"] == 0
        assert again["nonce"] != told["verification_nonce"]
        assert holders.hand_in(told["keys"][:2], again["nonce"], "verify").json["complete"] is True


class TestRootGeneration:
    @pytest.mark.parametrize("path", ["sys/generate-root", "sys/generate-root-token"])
    def test_enough_shares_make_a_token_that_only_the_beginner_reads(self, store, path):
        holders = Holders(store, path)
        begun = holders.ask("PUT", "attempt").json
        assert (begun["otp_length"], len(begun["otp"])) == (28, 28)
        assert holders.ask("GET", "attempt").json["otp"] == ""
        done = holders.hand_in(store.shares[2:5], begun["nonce"]).json
        assert done["complete"] is True
        hidden = base64.b64decode(done["encoded_token"] + "==")
        token = bytes(a ^ b for a, b in zip(hidden, begun["otp"].encode(), strict=True)).decode()
        assert store.vault("GET", "auth/token/lookup-self", token=token).data["policies"] == ["root"]
        assert holders.ask("GET", "attempt").json["started"] is False

    def test_without_enough_shares_there_is_none(self, store):
        holders = Holders(store, "sys/generate-root")
        nonce = holders.start("attempt")
        assert holders.hand_in(store.shares[:2], nonce).json["encoded_token"] == ""
        wrong = holders.hand_in(WRONG_SHARES[:1], nonce)
        assert wrong.status == 400
        assert holders.ask("GET", "attempt").json["progress"] == 0

    @pytest.mark.parametrize(
        "wanted",
        [
            pytest.param({"otp": "short"}, id="short-otp"),
            pytest.param({"otp": "\u00e4" * 28}, id="otp-not-ascii"),
            pytest.param({"pgp_key": "AAAA"}, id="bad-key"),
            pytest.param({"otp": "x" * 28, "pgp_key": "AAAA"}, id="both"),
        ],
    )
    def test_a_way_that_cannot_hide_it_is_refused(self, store, wanted):
        holders = Holders(store, "sys/generate-root")
        assert holders.ask("PUT", "attempt", wanted).status == 400
        assert holders.ask("GET", "attempt").json["started"] is False

    def test_hiding_is_what_clients_undo(self):
        assert (
            hide_token("s.KkNJYWF5g0pomcCLEmDdOVCW", "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
            == "MmwILwsMHh8Pfyx8PSEiMxIeFjkRMhgOGg0"
        )


class TestWhoMay:
    PATHS = ("sys/rekey/init", "sys/rekey/verify", "sys/generate-root/attempt", "sys/rotate/root/init")

    @pytest.mark.parametrize("path", PATHS)
    def test_without_a_token_nobody(self, store, path):
        assert store.vault("GET", path).status in {401, 403}

    @pytest.mark.parametrize("path", PATHS)
    def test_with_a_rule_but_without_sudo_nobody(self, store, path):
        token = store.token_for({"sys/*": ["read", "update", "delete"]})
        assert store.vault("GET", path, token=token).status == 403

    def test_everybody_where_the_listener_says_so(self, store):
        closed = Holders(store, "sys/generate-root", token="")
        assert closed.ask("PUT", "attempt").status in {401, 403}
        open_to_all = OpenCeremonies(store.local.store, rekey=True, root_generation=True)
        store.application = Application(store.local.store, None, open_to_all)
        rekey = Holders(store, token="")
        nonce = rekey.start(secret_shares=1, secret_threshold=1)
        assert rekey.hand_in(store.shares[:3], nonce).json["complete"] is True
        root = Holders(store, "sys/generate-root", token="")
        assert root.start("attempt")

    def test_one_kind_does_not_open_the_other(self, store):
        store.application = Application(
            store.local.store, None, OpenCeremonies(store.local.store, rekey=True)
        )
        assert Holders(store, "sys/generate-root", token="").ask("PUT", "attempt").status in {401, 403}

    def test_while_sealed_nobody(self, store):
        open_to_all = OpenCeremonies(store.local.store, rekey=True, root_generation=True)
        store.application = Application(store.local.store, None, open_to_all)
        store.seal()
        for path in ("sys/rekey/init", "sys/generate-root/attempt"):
            assert store.vault("GET", path).status == 503
