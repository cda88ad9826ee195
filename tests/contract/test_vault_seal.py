"""Initialising, sealing and unsealing as clients of the Vault API see it, and the vectors of the original."""

import base64
import re
from itertools import combinations

import pytest
from tests.support.local_store import StoreUnderTest

UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
STATUS = {
    "type": str,
    "initialized": bool,
    "sealed": bool,
    "t": int,
    "n": int,
    "progress": int,
    "nonce": str,
    "version": str,
    "build_date": str,
    "commit_date": str,
    "migration": bool,
    "recovery_seal": bool,
    "storage_type": str,
}


@pytest.fixture
def store():
    return StoreUnderTest().initialize()


@pytest.fixture
def sealed(store):
    store.seal()
    return store


class TestInit:
    def test_a_get_says_whether_it_was_done(self):
        store = StoreUnderTest()
        assert store.vault("GET", "sys/init").json == {"initialized": False}
        store.initialize()
        assert store.vault("GET", "sys/init").json == {"initialized": True}

    @pytest.mark.parametrize("method", ["PUT", "POST"])
    def test_the_answer_has_shares_in_two_forms_and_the_root_token_and_leaves_the_store_sealed(self, method):
        store = StoreUnderTest()
        made = store.vault(
            method, "sys/init", {"secret_shares": 5, "secret_threshold": 3, "stored_shares": 1}
        )
        assert made.status == 200
        assert set(made.json) == {"keys", "keys_base64", "root_token"}
        assert [len(key) for key in made.json["keys"]] == [66] * 5
        assert [len(key) for key in made.json["keys_base64"]] == [44] * 5
        assert [bytes.fromhex(key) for key in made.json["keys"]] == [
            base64.b64decode(key) for key in made.json["keys_base64"]
        ]
        assert len({bytes.fromhex(key)[-1] for key in made.json["keys"]}) == 5  # the last byte is x
        assert re.fullmatch(r"hvs\.[0-9A-Za-z]{24}", made.json["root_token"])
        assert store.vault("GET", "sys/seal-status").json["sealed"] is True

    def test_a_single_share_is_the_key_itself(self):
        made = StoreUnderTest().vault("PUT", "sys/init", {"secret_shares": 1, "secret_threshold": 1}).json
        assert (len(made["keys"][0]), made["keys_base64"][0][-1]) == (64, "=")

    @pytest.mark.parametrize(
        ("body", "text"),
        [
            pytest.param({}, "secret_shares", id="no default numbers"),
            pytest.param({"secret_shares": 0, "secret_threshold": 0}, "secret_shares", id="none"),
            pytest.param({"secret_shares": 256, "secret_threshold": 3}, "secret_shares", id="too many"),
            pytest.param(
                {"secret_shares": 3, "secret_threshold": 4}, "secret_threshold", id="threshold over shares"
            ),
            pytest.param(
                {"secret_shares": 3, "secret_threshold": 1}, "secret_threshold", id="one of several"
            ),
            pytest.param(
                {"secret_shares": 2, "secret_threshold": 2, "pgp_keys": ["AAAA"]}, "pgp_keys", id="fewer keys"
            ),
            pytest.param(
                {"secret_shares": 5, "secret_threshold": 3, "recovery_shares": 5},
                "parameters not applicable to seal type shamir",
                id="recovery shares",
            ),
        ],
    )
    def test_impossible_numbers_are_400(self, body, text):
        answer = StoreUnderTest().vault("PUT", "sys/init", body)
        assert answer.status == 400
        assert text in answer.errors[0]

    def test_it_happens_once(self, store):
        answer = store.vault("PUT", "sys/init", {"secret_shares": 5, "secret_threshold": 3})
        assert (answer.status, answer.errors) == (400, ["Vault is already initialized"])

    def test_the_root_token_is_what_the_original_s_is(self, store):
        shown = store.vault("GET", "auth/token/lookup-self", token=store.root).data
        assert (shown["policies"], shown["path"], shown["orphan"]) == (["root"], "auth/token/root", True)
        assert (shown["ttl"], shown["expire_time"], shown["creation_ttl"]) == (0, None, 0)


class TestUnseal:
    def test_progress_counts_distinct_shares_of_one_attempt(self, sealed):
        first = sealed.vault("PUT", "sys/unseal", {"key": sealed.shares[0]}).json
        again = sealed.vault("PUT", "sys/unseal", {"key": sealed.shares[0]}).json
        second = sealed.vault("POST", "sys/unseal", {"key": sealed.shares[1]}).json
        assert [one["progress"] for one in (first, again, second)] == [1, 1, 2]
        assert re.fullmatch(UUID, first["nonce"])
        assert {one["nonce"] for one in (again, second)} == {first["nonce"]}
        last = sealed.vault("PUT", "sys/unseal", {"key": sealed.shares[2]}).json
        assert (last["sealed"], last["progress"], last["nonce"]) == (False, 0, "")
        assert {"cluster_name", "cluster_id"} <= set(last)

    def test_a_key_is_hexadecimal_or_base64(self, sealed):
        for number, share in enumerate(sealed.shares[:3], start=1):
            text = share if number % 2 else base64.b64encode(bytes.fromhex(share)).decode()
            assert sealed.vault("PUT", "sys/unseal", {"key": text}).json["progress"] == number % 3

    def test_a_reset_drops_what_was_handed_in_and_begins_with_another_nonce(self, sealed):
        first = sealed.vault("PUT", "sys/unseal", {"key": sealed.shares[0]}).json
        assert sealed.vault("PUT", "sys/unseal", {"reset": True}).json["progress"] == 0
        assert sealed.vault("PUT", "sys/unseal", {"key": sealed.shares[0]}).json["nonce"] != first["nonce"]

    @pytest.mark.parametrize(
        ("body", "text"),
        [
            ({}, "'key' must be specified in request body as JSON, or 'reset' set to true"),
            ({"key": "no key at all"}, "'key' must be a valid hex or base64 string"),
        ],
    )
    def test_what_is_no_key_is_400(self, sealed, body, text):
        answer = sealed.vault("PUT", "sys/unseal", body)
        assert (answer.status, answer.errors) == (400, [text])

    def test_wrong_shares_are_told_at_the_threshold_and_count_from_0_again(self, sealed):
        other = StoreUnderTest().initialize()
        for share in other.shares[:2]:
            assert sealed.vault("PUT", "sys/unseal", {"key": share}).status == 200
        answer = sealed.vault("PUT", "sys/unseal", {"key": other.shares[2]})
        assert answer.status == 400
        assert "invalid key" in answer.errors[0]
        assert sealed.vault("GET", "sys/seal-status").json["progress"] == 0
        sealed.unseal()

    def test_of_an_open_store(self, store):
        assert store.vault("PUT", "sys/unseal", {"key": store.shares[0]}).json["sealed"] is False
        answer = store.vault("PUT", "sys/unseal", {"reset": True})
        assert (answer.status, answer.errors) == (400, ["vault is unsealed"])

    def test_any_three_of_five(self, store):
        for shares in combinations(store.shares, 3):
            store.seal()
            answers = [store.vault("PUT", "sys/unseal", {"key": share}).json["sealed"] for share in shares]
            assert answers == [True, True, False]


class TestSealStatus:
    def test_has_every_field_with_its_type(self, sealed):
        for store in (sealed, StoreUnderTest()):
            shown = store.vault("GET", "sys/seal-status").json
            assert {name: type(shown[name]) for name in STATUS} == STATUS
            assert set(shown) == set(STATUS)
        assert not shown["version"].startswith("v")

    def test_of_an_open_store_names_the_cluster(self, store):
        shown = store.vault("GET", "sys/seal-status").json
        assert set(shown) == {*STATUS, "cluster_name", "cluster_id"}
        assert re.fullmatch(UUID, shown["cluster_id"])


class TestSeal:
    @pytest.mark.parametrize(
        ("capabilities", "status"), [(["update"], 403), (["sudo"], 403), (["update", "sudo"], 204)]
    )
    def test_takes_sudo_and_update(self, store, capabilities, status):
        assert (
            store.vault("PUT", "sys/seal", token=store.token_for({"sys/seal": capabilities})).status == status
        )

    def test_a_lead_that_no_node_has_is_given_up_by_whoever_may(self, store):
        assert store.vault("PUT", "sys/step-down", token=store.root).status == 204
        answer = store.vault("PUT", "sys/step-down", token=store.token_for({"sys/step-down": ["update"]}))
        assert answer.status == 403

    def test_no_token_is_read_by_those_who_ask_for_the_nodes(self, store):
        (node,) = store.vault("GET", "sys/ha-status", token=store.root).data["nodes"]
        assert node["active_node"] is True
        assert store.root not in str(node)


HEALTH = [
    pytest.param("", (501, 503, 200), id="as it is"),
    pytest.param("?activecode=299", (501, 503, 299), id="activecode"),
    pytest.param("?sealedcode=204&uninitcode=204&standbyok=true", (204, 204, 200), id="as Kubernetes probes"),
    pytest.param("?uninitcode=200&sealedcode=200", (200, 200, 200), id="alive at all"),
    pytest.param(
        "?standbycode=201&drsecondarycode=202&performancestandbycode=203&perfstandbyok=true",
        (501, 503, 200),
        id="others",
    ),
]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(("query", "codes"), HEALTH)
def test_health_is_a_code(method, query, codes):
    store = StoreUnderTest()
    answers = [store.vault(method, f"sys/health{query}")]
    store.initialize()
    store.seal()
    answers.append(store.vault(method, f"sys/health{query}"))
    store.unseal()
    answers.append(store.vault(method, f"sys/health{query}"))
    assert tuple(answer.status for answer in answers) == codes


def test_health_before_the_first_key():
    answer = StoreUnderTest().vault("GET", "sys/health")
    assert answer.status == 501
    shown = answer.json
    assert (shown["initialized"], shown["sealed"], shown["standby"]) == (False, True, True)
    assert (shown["replication_performance_mode"], shown["replication_dr_mode"]) == ("disabled", "disabled")
    assert abs(shown["server_time_utc"] - 1.7e9) < 3e9


def test_the_leader_is_nobody_and_says_so_in_time(sealed):
    shown = sealed.vault("GET", "sys/leader")
    assert shown.status == 200
    assert shown.json["ha_enabled"] is shown.json["is_self"] is shown.json["performance_standby"] is False
    assert shown.json["active_time"] == "0001-01-01T00:00:00Z"
    assert (shown.json["leader_address"], shown.json["leader_cluster_address"]) == ("", "")
