"""The holes that are known of the original, 26 of them: each is closed here, and a test shows it."""

import ast
from pathlib import Path

import pytest
from tests.support.node_under_test import SECRET, new_node
from tests.support.sdk_face import Face

from holdfast.errors import UnauthenticatedError
from holdfast.model import SecretBytes
from holdfast.node.errors import OwnershipDeniedError, VolumeExistsError
from holdfast.node.roles.role_service import RoleService
from holdfast.node.volume.attach_service import AttachService
from holdfast.node.volume.snapshot_service import SnapshotService
from holdfast.node.volume.volume_service import VolumeService, VolumeSpec
from holdfast.policy.ownership import AccessControl, AccessType, Ownership
from holdfast.policy.ownership_change import AccessChange
from holdfast.policy.roles import Role, Rule
from holdfast.tokens.generate import generate_token
from holdfast.tokens.shared_secret import SharedSecretKey
from holdfast.tokens.user_file import User

ROOT = Path(__file__).parents[3]
NODE, NODED, TOKENS, WIRE = (f"tests/unit/{room}" for room in ("node", "noded", "tokens", "api_sdk"))
HERE = f"{NODE}/test_known_holes.py"

# By number: what the hole is, and where it is shown to be closed; or in words, why it is none here.
HOLES = {
    1: (
        "tokens cannot be revoked",
        f"{NODE}/test_token_service.py::test_a_token_taken_back_counts_on_no_node",
        f"{NODE}/test_token_service.py::test_all_tokens_of_a_subject_up_to_a_moment",
        f"{NODE}/test_token_service.py::test_all_tokens_of_an_issuer_up_to_a_moment",
    ),
    2: (
        "one key of a type, read once",
        f"{TOKENS}/test_verify.py::test_old_and_new_key_count_side_by_side",
        f"{NODED}/test_authentication.py::test_secrets_from_a_file_are_read_again",
    ),
    3: (
        "no renewal, and tokens for a year in clear files",
        f"{NODE}/test_token_service.py::test_a_renewed_token_is_the_same_but_for_its_id_and_times",
        "tests/unit/cli_hfctl/test_hfctl_token_places.py::test_a_token_for_a_day_is_kept_in_the_kernel",
        f"{NODED}/test_authentication.py::test_a_year_is_the_longest_unless_said_otherwise",
    ),
    4: ("an expired token looks like a refusal", f"{HERE}::test_hole_4_an_expired_token_is_told_apart"),
    5: (
        "no leeway for clocks, and another for each issuer",
        f"{NODED}/test_authentication.py::test_one_leeway_and_one_longest_lifetime_for_every_issuer",
        f"{TOKENS}/test_verify.py::test_leeway_reaches_as_far_as_configured",
    ),
    6: (
        "an end of 0 is no end; no longest lifetime; secrets of any length",
        f"{HERE}::test_hole_6_an_end_of_0_is_long_past",
        f"{TOKENS}/test_verify.py::test_a_lifetime_may_be_capped",
        f"{NODED}/test_authentication.py::test_what_cannot_be_right_is_told_at_the_start",
    ),
    7: (
        "guests are let in, and what has no owner is everybody's",
        "tests/unit/policy/test_default_roles.py::test_guest_access_is_off_unless_it_is_switched_on",
        f"{NODED}/test_ownerless.py::test_nobody_but_the_administrator_reaches_it",
        f"{NODED}/test_ownerless.py::test_each_start_says_how_many_there_are_and_what_to_do",
    ),
    8: (
        "a pair of clusters shares an administrator's token for years, and viewers can read it",
        f"{HERE}::test_hole_8_nobody_reads_a_token_of_another_cluster",
        f"{NODE}/test_cluster_pairs.py::test_a_token_pairs_once",
        f"{NODE}/test_cluster_pairs.py::test_a_pairing_token_opens_nothing_else",
    ),
    9: (
        "an update that leaves ownership out erases the owner",
        f"{NODE}/test_storage_policies.py::test_an_update_without_ownership_never_removes_the_owner",
        f"{NODE}/test_credentials.py::test_the_owner_is_never_lost_by_an_update",
        f"{HERE}::test_hole_9_an_update_of_a_volume_never_erases_its_owner",
    ),
    10: (
        "calls without an ownership test",
        f"{NODE}/test_ownership_of_copies.py::test_restoring_needs_the_right_to_read_the_snapshot",
        f"{NODE}/test_file_lists.py::test_only_who_may_read_the_volume_is_told",
        f"{NODE}/test_access_levels.py::test_only_lists_and_calls_about_no_resource_state_no_access",
        f"{NODE}/test_gate_of_every_kind.py::test_an_api_that_states_no_access_gets_at_nothing_by_less_than_admin",
    ),
    11: ("the first group counts", f"{HERE}::test_hole_11_the_best_of_ones_groups_counts_in_any_order"),
    12: (
        "misspelt rules pass silently",
        f"{HERE}::test_hole_12_the_rule_of_the_manual_is_refused_and_its_capitals_count_for_nothing",
        f"{NODE}/test_role_service.py::test_a_role_that_names_what_does_not_exist_is_refused_unless_that_is_meant",
        f"{NODE}/test_role_service.py::test_a_test_names_the_rule_that_allows_and_what_each_role_says",
    ),
    13: (
        "a tenant names a secret of anybody's namespace",
        f"{NODE}/test_secret_references.py::test_anothers_secret_is_refused_be_it_there_or_not",
        f"{NODE}/test_secret_references.py::test_a_namespace_that_is_nobody_elses_business",
    ),
    14: (
        "a caller who says that he is the orchestrator is believed; many calls pass no gate",
        f"{HERE}::test_hole_14_who_calls_himself_the_orchestrator_is_a_guest_like_others",
        f"{WIRE}/test_sdk_dialect.py::test_gates_come_before_arguments",
        f"{WIRE}/test_grpc_hostile.py::test_gates_come_before_the_bytes",
    ),
    15: (
        "credentials have a second way around their owners",
        f"{NODE}/test_ownership_of_kinds.py::test_the_table",
    ),
    16: (
        "who may use a credential cannot be changed",
        f"{NODE}/test_ownership_of_kinds.py::test_ownership_is_changed_by_the_same_verbs",
    ),
    17: (
        "a provider's new key is not looked for, and a provider that is away stops the server",
        f"{TOKENS}/test_published_keys.py::test_a_new_key_works_with_its_first_token",
        f"{TOKENS}/test_published_keys.py::test_invented_keys_do_not_make_it_ask_over_and_over",
        "tests/scenario/test_node_oidc.py::test_a_node_starts_without_the_provider_and_works_once_it_is_there",
    ),
    18: (
        "refusals tell what exists",
        f"{NODE}/test_ownership_of_kinds.py::test_what_is_not_there_and_what_is_somebody_elses_look_the_same",
        f"{HERE}::test_hole_18_no_call_about_a_volume_tells_whether_it_is_there",
        f"{HERE}::test_hole_18_a_taken_name_tells_that_it_is_taken_and_no_more",
    ),
    19: (
        "the audit log says neither where from nor why, and can be changed",
        f"{NODE}/test_decision_log.py::test_what_was_done_to_a_line_is_noticed",
        "tests/scenario/test_node_daemon.py::test_decisions_are_in_a_private_log",
        f"{NODE}/test_node_gates.py::test_decisions_name_subject_rule_resource_and_peer_and_never_the_token",
        f"{NODE}/test_access_changes.py::test_the_audit_log_says_what_access_was_and_what_it_is",
        f"{WIRE}/test_refusals_in_the_log.py::test_what_is_no_token_at_all_is_a_decision_like_others",
        f"{WIRE}/test_refusals_in_the_log.py::test_who_is_refused_behind_the_gates_is_in_the_log_too",
        f"{WIRE}/test_refusals_in_the_log.py::test_whose_token_it_was_is_said_once_its_signature_is_good",
    ),
    20: (
        "figures and descriptions are open, and any web page may call",
        f"{HERE}::test_hole_20_nothing_is_served_beside_the_gates_and_no_other_web_page_is_let_in",
        f"{WIRE}/test_sdk_openapi.py::test_the_description_is_for_those_who_may_ask",
        f"{WIRE}/test_sdk_openapi.py::test_counts_are_for_those_who_may_ask",
        f"{WIRE}/test_grpc_hostile.py::test_reflection_is_for_administrators",
        f"{WIRE}/test_grpc_hostile.py::test_health_is_open_and_says_no_more_than_that",
    ),
    21: (
        "two changes of access at once undo each other",
        f"{NODE}/test_access_changes.py::test_people_who_change_a_list_at_once_do_not_undo_each_other",
    ),
    22: (
        "keys that everybody knows, and one key for two issuers",
        f"{NODED}/test_authentication.py::test_equal_keys_are_refused",
        f"{NODED}/test_authentication.py::test_what_cannot_be_right_is_told_at_the_start",
    ),
    23: (
        "switching security on leaves nodes that look at no tokens",
        f"{NODE}/test_cluster_security.py::test_what_nodes_say_of_themselves_decides",
        f"{NODE}/test_cluster_security.py::test_a_node_that_missed_it_serves_nobody_from_its_next_call_on",
        f"{NODE}/test_cluster_security.py::test_security_is_only_taken_away_once_every_node_permits_it",
        "tests/unit/cli_hfctl/test_hfctl_status.py::test_security_of_a_cluster",
    ),
    24: (
        "people of a directory come only through a provider of tokens",
        "No directory is asked here either. A provider's claims, under any name space, are roles and groups:",
        "tests/scenario/test_node_oidc.py::test_claims_of_a_namespace_and_another_user_name",
    ),
    25: (
        "a role counts for every resource",
        f"{NODE}/test_scoped_roles.py::test_what_is_out_of_scope_is_not_there",
        f"{NODE}/test_scoped_roles.py::test_the_gate_does_what_is_specified",
        f"{NODE}/test_scoped_roles.py::test_labels_are_no_way_out_of_a_scope_or_into_one",
    ),
    26: (
        "known bugs: a snapshot's collaborators, migration's status, a login that is not renewed",
        f"{HERE}::test_hole_26_who_may_use_a_snapshot_is_changed_and_said_so",
        "tests/contract/test_provider_logins.py::test_dcos_renews_ahead_of_the_end_of_its_token",
        "Migration is not offered.",
    ),
}


def test_every_hole_has_its_tests_and_they_exist():
    assert list(HOLES) == list(range(1, 27))
    missing = []
    for _, *shown in HOLES.values():
        assert shown
        for where in shown:
            file, colons, name = where.partition("::")
            if colons and name not in functions(ROOT / file):
                missing.append(where)
    assert missing == []


def functions(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.fixture
def face(tmp_path):
    made = Face(new_node(tmp_path, attaching=False))
    yield made
    made.dialect.close()


def volume(under_test, name="vol1", *, owner="alice", acls=None):
    spec = VolumeSpec(name=name, size_bytes=16 << 20, acls=acls)
    return under_test.call(under_test.token(owner), VolumeService.create, under_test.node.volumes, spec)


def test_hole_4_an_expired_token_is_told_apart(under_test):
    with pytest.raises(UnauthenticatedError) as refusal:
        under_test.node.admit(under_test.token("alice", lifetime=0), VolumeService.inspect)
    assert refusal.value.reason == "expired"


def test_hole_6_an_end_of_0_is_long_past(under_test):
    user = User(name="alice", email="", sub="alice", roles=("system.user",), groups=())
    key = SharedSecretKey(SecretBytes(SECRET))
    token = generate_token(user, issuer="test", key=key, issued_at=0, lifetime_seconds=0)
    with pytest.raises(UnauthenticatedError) as refusal:
        under_test.node.admit(token, VolumeService.inspect)
    assert refusal.value.reason == "expired"


@pytest.mark.parametrize("path", ["clusterpairs", "clusterpairs/inspect/other", "clusterpairs/token"])
@pytest.mark.parametrize("role", ["system.view", "system.user"])
def test_hole_8_nobody_reads_a_token_of_another_cluster(face, path, role):
    answer = face("GET", f"/v1/{path}", token=face.t.token("alice", roles=(role,), groups=("*",)))
    assert "token" not in str(answer.json.get("result", answer.json.get("pairs", "")))
    if path.endswith("token"):
        assert answer.status == 403


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"labels": {"a": "b"}}, id="ownership-left-out"),
        pytest.param({"acls": AccessControl(public=AccessType.WRITE)}, id="a-list-without-an-owner"),
        pytest.param({"acls": AccessControl()}, id="an-empty-list"),
    ],
)
def test_hole_9_an_update_of_a_volume_never_erases_its_owner(under_test, change):
    volume(under_test)
    alice = under_test.token("alice")
    under_test.call(alice, VolumeService.update, under_test.node.volumes, "vol1", **change)
    shown = under_test.call(alice, VolumeService.inspect, under_test.node.volumes, "vol1")
    assert shown.record.ownership.owner == "alice"


@pytest.mark.parametrize("groups", [("dev", "ops"), ("ops", "dev")])
def test_hole_11_the_best_of_ones_groups_counts_in_any_order(under_test, groups):
    volume(under_test, acls=AccessControl(groups={"dev": AccessType.READ, "ops": AccessType.WRITE}))
    carol = under_test.token("carol", groups=groups)
    under_test.call(carol, VolumeService.update, under_test.node.volumes, "vol1", labels={"a": "b"})


def test_hole_12_the_rule_of_the_manual_is_refused_and_its_capitals_count_for_nothing(under_test):
    manuals = Role("test.view", (Rule(("volumes",), ("*enumerate*",)),))
    with pytest.raises(Exception, match=r"did you mean volume\?"):
        under_test.call(under_test.admin, RoleService.create, under_test.node.roles, manuals)
    capitals = Role("test.view", (Rule(("Volume",), ("Create",)),))
    under_test.call(under_test.admin, RoleService.create, under_test.node.roles, capitals)
    spec = VolumeSpec(name="vol1", size_bytes=16 << 20)
    token = under_test.token("carol", roles=("test.view",))
    assert under_test.call(token, VolumeService.create, under_test.node.volumes, spec).name == "vol1"


@pytest.mark.parametrize("agent", ["docker-sched/1.0", "kubernetes-sched", "osd-sched/2 (x)"])
def test_hole_14_who_calls_himself_the_orchestrator_is_a_guest_like_others(face, agent):
    face.create()
    for method, path, body in (
        ("GET", "/v1/volumes/inspect/vol1", None),
        ("POST", "/v1/mountattach/attach", {"volume_id": "vol1"}),
        ("DELETE", "/v1/volumes/vol1", None),
    ):
        answer = face(method, path, body, headers={b"user-agent": agent.encode()})
        assert (answer.status, answer.json["message"]) == (403, "Access denied without authentication token")


ABOUT_ONE_VOLUME = {
    "inspect": lambda t, name: (VolumeService.inspect, t.node.volumes, name),
    "update": lambda t, name: (VolumeService.update, t.node.volumes, name),
    "access": lambda t, name: (VolumeService.update_access, t.node.volumes, name, AccessChange()),
    "delete": lambda t, name: (VolumeService.delete, t.node.volumes, name),
    "attach": lambda t, name: (AttachService.attach, t.node.attachments, name),
    "detach": lambda t, name: (AttachService.detach, t.node.attachments, name),
    "snapshot": lambda t, name: (SnapshotService.create, t.node.snapshots, name, "copy"),
}


@pytest.mark.parametrize("call", ABOUT_ONE_VOLUME)
def test_hole_18_no_call_about_a_volume_tells_whether_it_is_there(under_test, call):
    volume(under_test)
    told = []
    for name in ("vol1", "none"):
        with pytest.raises(OwnershipDeniedError) as refusal:
            under_test.call(under_test.token("bob"), *ABOUT_ONE_VOLUME[call](under_test, name))
        told.append((type(refusal.value), refusal.value.message.replace(name, "NAME"), refusal.value.reason))
    assert told[0] == told[1]


def test_hole_18_a_taken_name_tells_that_it_is_taken_and_no_more(under_test):
    # A name is one volume's, so whoever asks for it learns that much; of what kind it is stays unsaid.
    volume(under_test)
    told = set()
    for size in (16 << 20, 32 << 20):
        with pytest.raises(VolumeExistsError) as refusal:
            under_test.call(
                under_test.token("bob"),
                VolumeService.create,
                under_test.node.volumes,
                VolumeSpec(name="vol1", size_bytes=size),
            )
        told.add(refusal.value.message)
    assert told == {"Volume vol1 already exists and is owned by another user"}


@pytest.mark.parametrize("path", ["/metrics", "/swagger.json", "/swagger-ui/", "/v1/metrics"])
def test_hole_20_nothing_is_served_beside_the_gates_and_no_other_web_page_is_let_in(face, path):
    answer = face("GET", path, headers={b"origin": b"https://elsewhere.example"})
    assert answer.status in {401, 403, 404}
    allowed = face(
        "GET", "/v1/volumes", token=face.t.admin, headers={b"origin": b"https://elsewhere.example"}
    )
    assert "access-control" not in f"{answer.head}{allowed.head}".lower()


def test_hole_26_who_may_use_a_snapshot_is_changed_and_said_so(under_test):
    volume(under_test)
    alice = under_test.token("alice")
    under_test.call(alice, SnapshotService.create, under_test.node.snapshots, "vol1", "snap")
    bob_reads = AccessControl(collaborators={"bob": AccessType.READ})
    changed = under_test.call(
        alice, VolumeService.update_access, under_test.node.volumes, "snap", AccessChange(add=bob_reads)
    )
    assert changed.ownership == Ownership(owner="alice", acls=bob_reads)
    seen = under_test.call(under_test.token("bob"), VolumeService.inspect, under_test.node.volumes, "snap")
    assert seen.record.ownership == changed.ownership
