"""Commands and their outcomes as they cross the border between two processes."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest
from tests.support.iam import PASSWORD, log_in
from tests.support.local_store import StoreUnderTest
from tests.support.wilful_provider import have_somebody_come_back_to_the_store

from holdfast import errors
from holdfast.audit import AuditFailedError
from holdfast.barrier.errors import AlreadyInitializedError, RecordError, UnsealFailedError
from holdfast.engines.errors import CheckAndSetMismatchError, SecretExistsError, SecretNotFoundError
from holdfast.errors import HoldfastError
from holdfast.iam.passwords import LEAST_MEMORY_KIB, PasswordCost
from holdfast.iam.settings import IamSettings
from holdfast.storage.errors import KeyTooLongError, StorageFullError
from holdfast.store.audit.rules import AuditRules
from holdfast.store.command import decode_outcome, encode_answer, encode_command, encode_failure
from holdfast.store.command_types import COMMAND_TYPES, decode_command
from holdfast.store.keeper_commands import FollowStorage
from holdfast.store.kv import routes as kv_routes
from holdfast.store.request import Answer, Failed
from holdfast.store.tokens.commands import RenewToken, RevokeToken

KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, HoldfastError) and kind is not HoldfastError
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_of_error_arrives_as_itself(kind):
    arrived = decode_outcome(encode_failure(kind("what to do")))
    assert type(arrived) is kind
    assert arrived.message == "what to do"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        pytest.param(SecretNotFoundError(), errors.NotFoundError, id="no secret"),
        pytest.param(SecretExistsError(), errors.ConflictError, id="a secret"),
        pytest.param(CheckAndSetMismatchError(), errors.ConflictError, id="check-and-set"),
        pytest.param(StorageFullError("full"), errors.UnavailableError, id="full disk"),
        pytest.param(KeyTooLongError("long"), errors.TooLargeError, id="the nearer of two kinds"),
        pytest.param(UnsealFailedError(), errors.InvalidInputError, id="wrong shares"),
        pytest.param(AlreadyInitializedError(), errors.ConflictError, id="second initialisation"),
        pytest.param(AuditFailedError(), errors.UnavailableError, id="no audit device"),
        pytest.param(RecordError("core/keyring"), errors.InternalError, id="damaged record"),
    ],
)
def test_a_room_s_own_error_arrives_as_its_kind(error, kind):
    arrived = decode_outcome(encode_failure(error))
    assert type(arrived) is kind
    assert arrived.message == error.message


def test_the_reason_of_a_refused_credential_arrives():
    arrived = decode_outcome(encode_failure(errors.UnauthenticatedError("no", reason="expired")))
    assert arrived.reason == "expired"


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(KeyError("canary-7f3a"), id="foreign error"),
        pytest.param(HoldfastError("x", detail="canary-7f3a"), id="the base of all"),
        pytest.param(RecordError("logical/canary-7f3a"), id="detail for the operator"),
        pytest.param(RecursionError("canary-7f3a"), id="recursion"),
    ],
)
def test_what_is_not_for_clients_does_not_cross(error):
    frame = encode_failure(error)
    assert b"canary" not in frame
    assert isinstance(decode_outcome(frame), HoldfastError)


def test_an_answer_arrives_whole():
    answer = Answer(
        data=b'{"a":1}',
        metadata=b"{}",
        missing=True,
        auth=b"{}",
        lease_seconds=5,
        warnings=("w",),
        flat=True,
        failed=Failed.SOME,
    )
    assert decode_outcome(encode_answer(answer)) == answer
    assert decode_outcome(encode_answer(Answer())) == Answer()


def test_every_command_that_a_store_sends_can_be_read_back(store):
    """The commands of a whole working day, caught on their way to the keeper."""
    frames, submit = [], store.local.submit
    store.local.submit = lambda frame, done: (frames.append(frame), submit(frame, done))
    work_a_day(store)
    commands = [decode_command(frame) for frame in frames]
    assert {type(command) for command in commands} == set(COMMAND_TYPES)
    assert [encode_command(command) for command in commands] == frames


@pytest.fixture
def store():
    rules = AuditRules(allows_api=True, addresses=frozenset({"discard"}))
    return StoreUnderTest(audit_rules=rules).initialize()


def work_a_day(store):
    def ask(method, path, body=None, **options):
        answer = store.vault(method, path, body, token=store.root, **options)
        assert answer.status < 300, (path, answer.body)
        return answer

    store.vault("PUT", "sys/init", {"secret_shares": 1, "secret_threshold": 1})
    ask("GET", "sys/seal-status")
    ask("PUT", "sys/mounts/one", {"type": "kv"})
    ask("PUT", "sys/mounts/one/tune", {"description": "x"})
    ask("PUT", "one/a", {"k": "v"})
    ask("DELETE", "one/a")
    ask("DELETE", "sys/mounts/one")
    ask("PUT", "secret/config", {"max_versions": 3, "delete_version_after": "-1s"})
    for _ in range(2):
        ask("PUT", "secret/data/a", {"data": {"k": 2**53 + 1}, "options": {}})
    merge = ["Content-Type: application/merge-patch+json"]
    ask("PATCH", "secret/data/a", {"data": {"l": None}}, headers=merge)
    ask("PUT", "secret/metadata/a", {"custom_metadata": {"owner": "x"}, "cas_required": False})
    ask(
        "PATCH",
        "secret/metadata/a",
        {"custom_metadata": {"owner": None}, "max_versions": None},
        headers=merge,
    )
    for action in ("delete", "undelete", "destroy"):
        ask("PUT", f"secret/{action}/a", {"versions": ["1"]})
    ask("DELETE", "secret/data/a")
    ask("DELETE", "secret/metadata/a")
    store.policy("p", 'path "a" { capabilities = ["read"] }')
    ask("DELETE", "sys/policies/acl/p")
    made = store.create_token(num_uses=1, ttl=60, meta={"a": "b"}).auth
    store.is_live(made["client_token"])
    token, accessor = store.token(ttl=60), store.create_token(ttl=60).auth["accessor"]
    ask("PUT", "auth/token/renew", {"token": token})
    ask("PUT", "auth/token/revoke", {"token": token})
    ask("PUT", "auth/token/revoke-accessor", {"accessor": accessor})
    administer_users(store, ask)
    administer_logins(store, ask)
    encrypt_for_others(ask)
    ask_for_wrapped_answers(ask)
    manage_leases(ask)
    manage_namespaces(ask)
    say_who_is_who(store, ask)
    ask("PUT", "sys/audit/none", {"type": "file", "options": {"file_path": "discard"}})
    ask("DELETE", "sys/audit/none")
    ask("PUT", "sys/config/auditing/request-headers/X-Sent", {"hmac": True})
    ask("DELETE", "sys/config/auditing/request-headers/X-Sent")
    ask("PUT", "cubbyhole/a", {"k": "v"})
    ask("DELETE", "cubbyhole/a")
    ask("PUT", "sys/rotate")
    come_together(store, ask)
    store.local.store.submit(FollowStorage(), lambda _: None)
    store.seal()
    store.dcos("GET", "init/default")
    store.dcos("PUT", "auto-unseal/default", token=store.root)
    store.vault("PUT", "sys/unseal", {"reset": True})
    store.unseal()
    store.dcos("PUT", "init/default", {"shares": 1, "threshold": 1}, token=store.root)


def ask_for_wrapped_answers(ask):
    wrapped = ask("PUT", "sys/wrapping/wrap", {"k": "v"}, headers=["X-Vault-Wrap-TTL: 60"]).json
    again = ask("PUT", "sys/wrapping/rewrap", {"token": wrapped["wrap_info"]["token"]}).json
    ask("PUT", "sys/wrapping/unwrap", {"token": again["wrap_info"]["token"]})


def manage_leases(ask):
    ask("PUT", "auth/token/create-orphan", {"ttl": "1h"})
    [name] = ask("LIST", "sys/leases/lookup/auth/token/create-orphan").data["keys"]
    ask("PUT", "sys/leases/renew", {"lease_id": f"auth/token/create-orphan/{name}"})
    ask("PUT", "sys/leases/revoke", {"lease_id": f"auth/token/create-orphan/{name}"})
    ask("PUT", "sys/leases/revoke-prefix/auth/token")
    ask("PUT", "sys/leases/tidy")
    ask("PUT", "sys/rotate/config", {"interval": "720h"})
    ask("PUT", "sys/quotas/rate-limit/all", {"rate": 1e6})
    ask("DELETE", "sys/quotas/rate-limit/all")
    ask("PUT", "sys/quotas/lease-count/few", {"max_leases": 100_000})
    ask("DELETE", "sys/quotas/lease-count/few")
    ask("PUT", "sys/quotas/config", {"rate_limit_exempt_paths": ["sys/x"]})
    ask("PUT", "sys/mounts/here", {"type": "kv"})
    ask("PUT", "sys/remount", {"from": "here", "to": "there"})
    ask("PUT", "auth/token/roles/ci", {"allowed_policies": ["default"]})
    ask("PUT", "auth/token/create/ci")
    ask("DELETE", "auth/token/roles/ci")


def say_who_is_who(store, ask):
    ask("PUT", "sys/auth/people", {"type": "userpass"})
    ask("PUT", "auth/people/users/ann", {"password": PASSWORD})
    entity = store.vault("PUT", "auth/people/login/ann", {"password": PASSWORD}).auth["entity_id"]
    ask("PUT", f"identity/entity/id/{entity}", {"metadata": {"a": "b"}, "disabled": False})
    assert store.vault("PUT", "auth/people/login/ann", {"password": PASSWORD}).status == 200
    other = ask("PUT", "identity/entity", {"name": "other", "policies": ["p"]}).data["id"]
    accessor = ask("GET", "sys/auth").data["people/"]["accessor"]
    alias = {"name": "x", "mount_accessor": accessor, "canonical_id": other, "custom_metadata": {"a": "b"}}
    ask("DELETE", f"identity/entity-alias/id/{ask('PUT', 'identity/entity-alias', alias).data['id']}")
    ask("PUT", "identity/entity/merge", {"from_entity_ids": [other], "to_entity_id": entity})
    group = {"name": "g", "policies": ["p"], "metadata": {"a": "b"}, "member_entity_ids": [entity]}
    ask("PUT", "identity/group", {**group, "member_group_ids": []})
    ask("DELETE", "identity/group/name/g")
    ask("DELETE", f"identity/entity/id/{entity}")


def manage_namespaces(ask):
    merge = ["Content-Type: application/merge-patch+json"]
    ask("PUT", "sys/namespaces/team", {"custom_metadata": {"owner": "x"}})
    ask("PATCH", "sys/namespaces/team", {"custom_metadata": {"owner": None}}, headers=merge)
    ask("PUT", "team/sys/mounts/kv", {"type": "kv"})
    key = ask("PUT", "sys/namespaces/api-lock/lock/team").data["unlock_key"]
    ask("PUT", "sys/namespaces/api-lock/unlock/team", {"unlock_key": key})
    ask("DELETE", "sys/namespaces/team")


def encrypt_for_others(ask):
    ask("PUT", "sys/mounts/transit", {"type": "transit"})
    ask("PUT", "transit/config/keys", {"disable_upsert": False})
    body = {"batch_input": [{"plaintext": "cA==", "reference": "r"}, {"plaintext": "?"}]}
    ask("PUT", "transit/encrypt/made", {**body, "partial_failure_response_code": 207})
    ask("PUT", "transit/keys/k", {"type": "ed25519", "exportable": True, "allow_plaintext_backup": True})
    ask("PUT", "transit/keys/k/rotate")
    saved = ask("GET", "transit/backup/k").data["backup"]
    ask("PUT", "transit/restore/twin", {"backup": saved})
    ask("PUT", "transit/keys/k/config", {"min_decryption_version": 2, "deletion_allowed": True})
    ask("PUT", "transit/keys/k/config", {"min_encryption_version": 2})
    ask("PUT", "transit/keys/k/trim", {"min_available_version": 2})
    ask("DELETE", "transit/keys/k")


def come_together(store, ask):
    def hand_in(path, shares, nonce):
        for share in shares:
            answer = ask("PUT", path, {"key": share, "nonce": nonce}).json
        return answer

    ask("GET", "sys/generate-root/attempt")
    begun = ask("PUT", "sys/generate-root/attempt").json
    hand_in("sys/generate-root/update", store.shares[: store.threshold], begun["nonce"])
    ask("DELETE", "sys/generate-root/attempt")
    ask("DELETE", "sys/rekey/init")
    wanted = {"secret_shares": 3, "secret_threshold": 2, "require_verification": True}
    begun = ask("PUT", "sys/rekey/init", wanted).json
    ask("GET", "sys/rekey/init")
    dealt = hand_in("sys/rekey/update", store.shares[: store.threshold], begun["nonce"])
    ask("GET", "sys/rekey/verify")
    again = ask("DELETE", "sys/rekey/verify").json
    hand_in("sys/rekey/verify", dealt["keys"][:2], again["nonce"])
    store.shares, store.threshold = dealt["keys"], 2
    assert store.vault("GET", "sys/rekey/backup", token=store.root).status == 400
    ask("DELETE", "sys/rekey/backup")


def administer_users(store, ask):
    rid, merge = "acs/acls/dcos:adminrouter:secrets", ["Content-Type: application/merge-patch+json"]
    ask("PUT", "acs/users/bob", {"password": PASSWORD})
    ask("PATCH", "acs/users/bob", {"description": "Bob"}, headers=merge)
    ask("PUT", "acs/groups/team", {})
    ask("PATCH", "acs/groups/team", {"description": "Team"}, headers=merge)
    ask("PUT", "acs/groups/team/users/bob")
    ask("PUT", rid, {})
    ask("PATCH", rid, {"description": "Door"}, headers=merge)
    ask("PUT", f"{rid}/users/bob/full")
    ask("DELETE", f"{rid}/users/bob/full")
    ask("DELETE", rid)
    assert log_in(store, "bob", PASSWORD).status == 200
    store.local.store._iam = IamSettings(password_cost=PasswordCost(memory_kib=LEAST_MEMORY_KIB + 1))
    ask("PUT", "sys/rotate")  # which opens the store anew, at another cost of passwords
    token = log_in(store, "bob", PASSWORD).json["token"]
    ask("PUT", "auth/token/revoke", {"token": token})
    ask("DELETE", "acs/users/bob/tokens")
    ask("DELETE", "acs/groups/team/users/bob")
    ask("DELETE", "acs/groups/team")
    ask("DELETE", "acs/users/bob")


def administer_logins(store, ask):
    ask("PUT", "sys/auth/people", {"type": "userpass"})
    ask("PUT", "sys/auth/people/tune", {"description": "x"})
    ask("PUT", "auth/people/users/ann", {"password": PASSWORD})
    ask("DELETE", "auth/people/users/ann")
    ask("DELETE", "sys/auth/people")
    ask("PUT", "sys/auth/approle", {"type": "approle"})
    ask("PUT", "auth/approle/role/web", {})
    role_id = ask("GET", "auth/approle/role/web/role-id").data["role_id"]
    secret_id = ask("PUT", "auth/approle/role/web/secret-id", {"num_uses": 2}).data["secret_id"]
    ask("PUT", "auth/approle/login", {"role_id": role_id, "secret_id": secret_id})
    ask("PUT", "auth/approle/role/web/secret-id/destroy", {"secret_id": secret_id})
    ask("PUT", "auth/approle/tidy/secret-id")
    ask("DELETE", "auth/approle/role/web")
    with TemporaryDirectory() as directory:
        have_somebody_come_back_to_the_store(store, Path(directory))


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\xc1", id="not msgpack"),
        pytest.param(msgspec.msgpack.encode({"type": "Command"}), id="the base"),
        pytest.param(msgspec.msgpack.encode({"type": "os.system", "command": "true"}), id="something else"),
        pytest.param(msgspec.msgpack.encode({"type": "RevokeToken", "token_hash": 5}), id="wrong field"),
        pytest.param(msgspec.msgpack.encode({"type": "RevokeToken"}), id="missing field"),
    ],
)
def test_what_is_no_command_is_refused(frame):
    with pytest.raises(msgspec.DecodeError):
        decode_command(frame)


def test_a_defect_is_told_in_general_words_only(store, monkeypatch, caplog):
    def fail(*_args, **_options):
        raise KeyError("canary-7f3a")

    monkeypatch.setattr(kv_routes.kv2, "read", fail)
    monkeypatch.setattr(kv_routes.kv2, "write", fail)
    for method, body in (("GET", None), ("PUT", {"data": {"k": "canary-7f3a"}})):
        answers = [
            store.vault(method, "secret/data/a", body, token=store.root),
            store.dcos(method, "secret/default/a", body and {"value": "canary-7f3a"}, token=store.root),
        ]
        assert [answer.status for answer in answers] == [500, 500]
        assert all(b"internal error" in answer.body for answer in answers)
        assert b"canary" not in b"".join(answer.body for answer in answers)
    assert "KeyError" in caplog.text
    assert "canary" not in caplog.text
    monkeypatch.undo()
    assert store.vault("GET", "secret/data/a", token=store.root).status == 404


def test_one_failing_change_of_a_batch_leaves_the_others_alone(store):
    hasher = store.local.store._open.hasher
    tokens = [store.token() for _ in range(2)]
    frames = [
        encode_command(RevokeToken(token_hash=hasher.token(tokens[0]))),
        encode_command(RenewToken(token_hash="0" * 64)),
        encode_command(RevokeToken(token_hash=hasher.token(tokens[1]))),
    ]
    outcomes = [decode_outcome(outcome) for outcome in store.local.keeper.apply(frames)]
    assert [isinstance(outcome, HoldfastError) for outcome in outcomes] == [False, True, False]
    assert [store.is_live(token) for token in tokens] == [False, False]


def test_a_damaged_record_is_noticed_and_logged(store, caplog):
    store.vault("PUT", "secret/data/a", {"data": {"k": "v"}}, token=store.root)
    key = _only_secret_key(store)
    record = store.storage.get(key)
    store.storage.write(lambda tx: tx.put(key, record[:-1] + bytes([record[-1] ^ 1])))
    answer = store.vault("GET", "secret/data/a", token=store.root)
    assert (answer.status, answer.errors) == (500, ["a stored record failed its check"])
    assert "failed its check" in caplog.text
    caplog.clear()
    assert store.vault("PUT", "secret/data/a", {"data": {"k": "w"}}, token=store.root).status == 500
    assert "failed its check" in caplog.text


def _only_secret_key(store: StoreUnderTest) -> str:
    mounts = json.loads(store.vault("GET", "sys/mounts", token=store.root).body)
    return f"logical/{mounts['secret/']['uuid']}/s/a"
