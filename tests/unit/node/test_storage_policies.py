"""Storage policies: who may use, change and impose them, and what they make of volumes at a real node."""

import threading

import pytest
from tests.support.node_under_test import new_node

from holdfast.errors import ConflictError, InvalidInputError, NotFoundError, PermissionDeniedError
from holdfast.model import SecretBytes
from holdfast.node.errors import (
    OwnershipDeniedError,
    PolicyExistsError,
    PolicyViolationError,
    RoleDeniedError,
    SecretDeniedError,
)
from holdfast.node.policies.policy_service import Merge, PolicyService, PolicySpec
from holdfast.node.policies.volume_rules import Operator, VolumeRules
from holdfast.node.volume.volume_listing import VolumeListService
from holdfast.node.volume.volume_service import VolumeService, VolumeSpec
from holdfast.policy.ownership import AccessControl, AccessType
from holdfast.policy.ownership_change import AccessChange
from holdfast.providers import SecretRef

MIB = 1 << 20
R, W, A = AccessType.READ, AccessType.WRITE, AccessType.ADMIN
XFS_ONLY = VolumeRules(file_systems=["xfs"])
AT_LEAST_32 = VolumeRules(size_bytes=32 * MIB, size_operator=Operator.MINIMUM)


@pytest.fixture
def made(tmp_path):
    return new_node(tmp_path, attaching=False)


def token(made, who):
    """Every API is open to everybody but a plain user; ownership decides."""
    if who == "admin":
        return made.admin
    name, _, group = who.partition("/")
    return made.token(name, roles=("system.admin",), groups=(group,) if group else ())


def call(made, who, operation, *args, **kwargs):
    return made.call(token(made, who), getattr(PolicyService, operation), made.node.policies, *args, **kwargs)


def create(made, who="alice", name="gold", rules=AT_LEAST_32, **fields):
    return call(made, who, "create", PolicySpec(name=name, rules=rules, **fields))


def volume(made, who="alice", name="vol1", **fields):
    spec = VolumeSpec(**{"name": name, "size_bytes": 16 * MIB, **fields})
    return made.call(token(made, who), VolumeService.create, made.node.volumes, spec)


def update_volume(made, who="alice", **fields):
    return made.call(token(made, who), VolumeService.update, made.node.volumes, "vol1", **fields)


# Policies as resources -----------------------------------------------------------------------------------


def test_a_policy_belongs_to_who_makes_it_and_is_found_by_name(made):
    record = create(made)
    assert record.ownership.owner == "alice"
    shown = call(made, "alice", "inspect", "gold")
    assert (shown.record, shown.is_default) == (record, False)
    assert [shown.record.name for shown in call(made, "alice", "enumerate")] == ["gold"]
    assert call(made, "bob", "enumerate") == []


def test_a_plain_user_may_look_and_not_make(made):
    create(made, acls=AccessControl(public=R))
    bob = made.token("bob")
    assert made.call(bob, PolicyService.inspect, made.node.policies, "gold")
    with pytest.raises(RoleDeniedError):
        made.call(bob, PolicyService.create, made.node.policies, PolicySpec(name="x", rules=XFS_ONLY))


def test_a_name_is_taken_once(made):
    create(made)
    for who in ("alice", "bob"):
        with pytest.raises(PolicyExistsError, match="name: another"):
            create(made, who)


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        pytest.param(PolicySpec(name="", rules=XFS_ONLY), "Must supply a Storage Policy Name", id="no-name"),
        pytest.param(PolicySpec(name="gold"), "Must supply Volume Specs", id="no-rules"),
        pytest.param(PolicySpec(name="a/b", rules=XFS_ONLY), "name: expected", id="slash"),
        pytest.param(PolicySpec(name="a" * 129, rules=XFS_ONLY), "name: expected", id="long-name"),
        pytest.param(PolicySpec(name="../x", rules=XFS_ONLY), "name: expected", id="dots"),
        pytest.param(PolicySpec(name="x\n", rules=XFS_ONLY), "name: expected", id="line-end"),
        pytest.param(PolicySpec(name="x", rules=VolumeRules(copies=2)), "policy.ha_level", id="rules"),
    ],
)
def test_bad_input_names_the_field(made, spec, text):
    with pytest.raises(InvalidInputError, match=text):
        call(made, "alice", "create", spec)
    assert call(made, "admin", "enumerate") == []


def test_an_update_without_ownership_never_removes_the_owner(made):
    create(made, acls=AccessControl(collaborators={"bob": W}))
    call(made, "bob", "update", PolicySpec(name="gold", rules=XFS_ONLY, force=True))
    call(made, "alice", "update", PolicySpec(name="gold", acls=AccessControl(groups={"dev": R})))
    record = call(made, "alice", "inspect", "gold").record
    assert record.force
    assert (record.ownership.owner, dict(record.ownership.acls.groups)) == ("alice", {"dev": R})
    assert record.rules == XFS_ONLY
    with pytest.raises(OwnershipDeniedError):
        call(made, "zed", "inspect", "gold")


def test_who_may_only_write_does_not_change_who_has_access(made):
    create(made, acls=AccessControl(collaborators={"bob": W}))
    with pytest.raises(PermissionDeniedError, match="only the owner"):
        call(made, "bob", "update", PolicySpec(name="gold", acls=AccessControl(collaborators={"bob": A})))
    with pytest.raises(PermissionDeniedError, match="only the storage administrator"):
        call(made, "alice", "update", PolicySpec(name="gold", owner="alice"))
    call(made, "admin", "update", PolicySpec(name="gold", owner="bob"))
    assert call(made, "bob", "inspect", "gold").record.ownership.owner == "bob"


def test_rules_that_are_given_replace_the_old_ones_unless_they_are_to_be_merged(made):
    create(made, force=True)
    call(made, "alice", "update", PolicySpec(name="gold", rules=XFS_ONLY), merge=Merge())
    record = call(made, "alice", "inspect", "gold").record
    assert (record.rules.size_bytes, record.rules.file_systems, record.force) == (32 * MIB, ["xfs"], True)
    call(made, "alice", "update", PolicySpec(name="gold"), merge=Merge(remove=frozenset({"size", "force"})))
    record = call(made, "alice", "inspect", "gold").record
    assert (record.rules, record.force) == (XFS_ONLY, False)
    call(made, "alice", "update", PolicySpec(name="gold", rules=AT_LEAST_32))
    assert call(made, "alice", "inspect", "gold").record.rules == AT_LEAST_32


@pytest.mark.parametrize(
    ("rules", "remove"), [(None, {"sticky"}), (None, {"owner"}), (XFS_ONLY, {"formats"}), (None, {"sizé"})]
)
def test_a_merge_that_contradicts_itself_is_refused(made, rules, remove):
    create(made)
    spec, merge = PolicySpec(name="gold", rules=rules), Merge(remove=frozenset(remove))
    with pytest.raises(InvalidInputError, match="remove: expected"):
        call(made, "alice", "update", spec, merge=merge)


def test_two_merges_at_once_undo_nothing(made):
    create(made)
    changes = [XFS_ONLY, VolumeRules(encrypted=True), VolumeRules(labels={"a": "b"}), VolumeRules(copies=1)]
    threads = [
        threading.Thread(
            target=call,
            args=(made, "alice", "update", PolicySpec(name="gold", rules=rules)),
            kwargs={"merge": Merge()},
        )
        for rules in changes
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    rules = call(made, "alice", "inspect", "gold").record.rules
    assert (rules.size_bytes, rules.file_systems, rules.encrypted, rules.labels, rules.copies) == (
        32 * MIB, ["xfs"], True, {"a": "b"}, 1,
    )  # fmt: skip


def test_of_two_creates_of_one_name_at_once_one_wins(made):
    outcomes = []

    def make(who):
        try:
            outcomes.append(create(made, who).ownership.owner)
        except PolicyExistsError as error:
            outcomes.append(error)

    threads = [threading.Thread(target=make, args=(who,)) for who in ("alice", "bob", "carol")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    (winner,) = [outcome for outcome in outcomes if isinstance(outcome, str)]
    assert call(made, winner, "inspect", "gold").record.ownership.owner == winner


def test_an_update_of_a_policy_that_was_just_deleted_does_not_bring_it_back(made):
    create(made)
    catalog = made.node.policies._catalog
    find = catalog.find

    def find_and_be_overtaken(name):
        found = find(name)
        catalog.find = find
        call(made, "alice", "delete", "gold")
        return found

    catalog.find = find_and_be_overtaken
    with pytest.raises(NotFoundError):
        call(made, "alice", "update", PolicySpec(name="gold", rules=XFS_ONLY))
    assert call(made, "admin", "enumerate") == []


# The default ---------------------------------------------------------------------------------------------


def test_only_storage_administrators_impose_a_policy_on_everybody(made):
    create(made)
    for operation, args in (("set_default", ("gold",)), ("release", ())):
        with pytest.raises(PermissionDeniedError, match="only the storage system admin"):
            call(made, "alice", operation, *args)
    call(made, "admin", "set_default", "gold")
    assert call(made, "alice", "inspect", "gold").is_default
    call(made, "admin", "release")
    assert call(made, "alice", "default_inspect") is None
    call(made, "admin", "release")


def test_a_default_must_be_there(made):
    with pytest.raises(NotFoundError):
        call(made, "admin", "set_default", "gold")
    with pytest.raises(InvalidInputError):
        call(made, "admin", "set_default", "")


def test_everybody_may_know_the_default_rules_and_not_whose_they_are(made):
    create(made)
    call(made, "admin", "set_default", "gold")
    assert call(made, "alice", "default_inspect").with_ownership
    shown = call(made, "bob", "default_inspect")
    assert (shown.record.rules, shown.is_default, shown.with_ownership) == (AT_LEAST_32, True, False)


def test_its_owner_does_not_free_everybody_by_deleting_the_default(made):
    create(made)
    call(made, "admin", "set_default", "gold")
    with pytest.raises(PermissionDeniedError, match="only the storage system admin"):
        call(made, "alice", "delete", "gold")
    assert call(made, "alice", "default_inspect")
    call(made, "admin", "delete", "gold")
    assert call(made, "alice", "default_inspect") is None
    create(made, "bob")  # a new policy of that name is not the default
    assert call(made, "bob", "default_inspect") is None


# At work -------------------------------------------------------------------------------------------------


def test_a_volume_becomes_what_its_policy_says(made):
    create(made)
    record = volume(made, storage_policy="gold")
    assert (record.size_bytes, record.storage_policy) == (32 * MIB, "gold")


def test_with_force_the_volume_is_refused_and_nothing_is_made(made):
    create(made, force=True)
    with pytest.raises(PolicyViolationError, match=r"storage policy gold: spec\.size: expected at least"):
        volume(made, storage_policy="gold")
    assert made.call(made.admin, VolumeListService.enumerate, made.node.volume_lists).entries == ()
    assert volume(made, size_bytes=32 * MIB, storage_policy="gold").size_bytes == 32 * MIB


def test_the_default_counts_for_who_names_no_policy_and_cannot_even_read_it(made):
    create(made)
    call(made, "admin", "set_default", "gold")
    assert volume(made, "bob").storage_policy == "gold"


def test_a_policy_that_is_named_counts_instead_of_the_default(made):
    create(made)
    create(made, "bob", "free", VolumeRules(labels={"team": "bob"}))
    call(made, "admin", "set_default", "gold")
    record = volume(made, "bob", storage_policy="free")
    assert (record.size_bytes, record.storage_policy, record.labels) == (16 * MIB, "free", {"team": "bob"})


@pytest.mark.parametrize("name", ["gold", "absent"])
def test_a_policy_that_one_may_not_read_is_as_good_as_absent(made, name):
    create(made)
    with pytest.raises(OwnershipDeniedError, match=f"Access denied to storage policy {name}"):
        volume(made, "bob", storage_policy=name)


def test_read_access_is_enough_to_use_a_policy(made):
    create(made, acls=AccessControl(groups={"dev": R}))
    assert volume(made, "bob/dev", storage_policy="gold").storage_policy == "gold"


def test_encryption_that_a_policy_asks_for_needs_a_key_like_any_other(made):
    create(made, rules=VolumeRules(encrypted=True))
    with pytest.raises(ConflictError, match="key"):
        volume(made, storage_policy="gold")
    assert volume(made, own_key=True, storage_policy="gold").encrypted


def test_a_policy_names_no_secret_that_its_maker_or_a_volumes_may_not_name(tmp_path):
    made = new_node(tmp_path, attaching=False, any_secret=False)
    rules = VolumeRules(secret_name="other/team/key")
    with pytest.raises(SecretDeniedError):
        create(made, rules=rules)
    create(made)
    with pytest.raises(SecretDeniedError):
        call(made, "alice", "update", PolicySpec(name="gold", rules=rules))
    create(made, "admin", "named", rules, acls=AccessControl(public=R))
    with pytest.raises(SecretDeniedError):
        volume(made, storage_policy="named")


def test_the_same_request_again_gives_the_same_volume(made):
    create(made)
    assert volume(made, storage_policy="gold").id == volume(made, storage_policy="gold").id


UPDATES = {
    "labels-that-stay": ({"labels": {"app": "db"}}, None),
    "label-removed": ({"labels": {"tier": ""}}, "labels: expected those of the policy to stay, also tier"),
    "label-changed": ({"labels": {"tier": "tin"}}, "labels: expected"),
    "too-large": ({"size_bytes": 65 * MIB}, "spec.size: expected"),
    "large": ({"size_bytes": 48 * MIB}, None),
}
RULES = VolumeRules(
    size_bytes=32 * MIB,
    size_operator=Operator.MINIMUM,
    size_limit_bytes=64 * MIB,
    labels={"tier": "gold"},
)


@pytest.mark.parametrize("case", UPDATES)
def test_an_update_stays_within_the_policy(made, case):
    fields, text = UPDATES[case]
    create(made, rules=RULES)
    volume(made, storage_policy="gold")
    if text is None:
        update_volume(made, **fields)
    else:
        with pytest.raises(PolicyViolationError, match=text):
            update_volume(made, **fields)


@pytest.mark.parametrize(
    ("allow_update", "access", "is_free"),
    [(True, W, True), (True, R, False), (False, A, False)],
    ids=["may-write-it", "may-only-read-it", "not-allowed"],
)
def test_who_may_write_a_policy_is_free_of_it_where_it_allows_updates(made, allow_update, access, is_free):
    acls = AccessControl(collaborators={"bob": access})
    create(made, rules=RULES, allow_update=allow_update, acls=acls)
    volume(made, "bob", storage_policy="gold")
    if is_free:
        assert "tier" not in update_volume(made, "bob", labels={"tier": ""}).labels
    else:
        with pytest.raises(PolicyViolationError):
            update_volume(made, "bob", labels={"tier": ""})


def test_a_volume_stays_with_the_secret_that_its_policy_names(made):
    for name in ("team/key", "users/alice/own"):
        made.provider.put(SecretRef(name), SecretBytes(name.encode() * 4))
    create(made, "admin", rules=VolumeRules(secret_name="team/key"), acls=AccessControl(public=R))
    volume(made, storage_policy="gold", secret_name="team/key")
    rotate = VolumeService.rotate_key, made.node.volumes, "vol1"
    with pytest.raises(PolicyViolationError, match="secret_key: expected the secret that the policy names"):
        made.call(token(made, "alice"), *rotate, secret_name="users/alice/own")
    for same in ("", "team/key"):
        assert made.call(token(made, "alice"), *rotate, secret_name=same).key.name == "team/key"


def test_a_policy_that_is_gone_forbids_nothing(made):
    create(made, rules=RULES)
    volume(made, storage_policy="gold")
    call(made, "alice", "delete", "gold")
    assert update_volume(made, labels={"tier": ""}).labels == {}


def test_who_has_access_to_a_volume_is_no_matter_of_its_policy(made):
    create(made, rules=RULES)
    volume(made, storage_policy="gold")
    change = AccessChange(add=AccessControl(collaborators={"bob": R}))
    made.call(token(made, "alice"), VolumeService.update_access, made.node.volumes, "vol1", change)
    update_volume(made, acls=AccessControl())


def test_what_is_done_is_in_the_audit_log(made):
    create(made)
    call(made, "admin", "set_default", "gold")
    call(made, "admin", "release")
    done = [(line["user"], line["reason"]) for line in made.sink.lines if line["decision"] == "done"]
    assert done == [
        ("alice", "storage policy created"),
        ("admin", "storage policy is the default"),
        ("admin", "there is no default storage policy"),
    ]
