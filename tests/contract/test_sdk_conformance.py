"""What the OpenStorage SDK's own suite expects of a server, over gRPC and over REST alike.

The people are that suite's: user1, user2 and user3 with the role of users, an administrator of everything.
Where we answer otherwise on purpose, the row says so.
"""

import base64
import json

import grpc
import pytest
from tests.support.node_under_test import SECRET, new_node, release
from tests.support.sdk_wires import CALL_SECONDS, GrpcWire, RestWire, grpc_refusal

from holdfast.api.sdk.calls import Calls
from holdfast.model import SecretBytes
from holdfast.tokens.generate import generate_token
from holdfast.tokens.shared_secret import SharedSecretKey
from holdfast.tokens.user_file import User

OK, INVALID, NOT_FOUND, EXISTS, DENIED, UNIMPLEMENTED, UNAUTHENTICATED = 0, 3, 5, 6, 7, 12, 16
HTTP = {0: 200, 3: 400, 5: 404, 6: 409, 7: 403, 10: 409, 12: 501, 16: 401}
SIZE = str(16 << 20)
VERSION = "Identity.Version"


class People:
    """Calls as somebody."""

    def __init__(self, under_test, wire):
        self.t, self.wire = under_test, wire
        self.tokens = {
            "user1": under_test.token("user1", groups=("users",)),
            "user2": under_test.token("user2", groups=("users",)),
            "user3": under_test.token("user3", groups=("users", "testers")),
            "admin": under_test.token("admin", roles=("system.admin",), groups=("*",)),
            "guest": None,
        }

    def __call__(self, who, name, request=None, **more):
        answer = self.wire.call(name, request, token=self.tokens[who], **more)
        if self.wire.name == "rest":
            assert answer.http == HTTP[answer.code]
        return answer

    def make(self, who, name="vol1", **spec):
        return self(who, "Volume.Create", {"name": name, "spec": {"size": SIZE, **spec}})

    def ids(self, who):
        return self(who, "Volume.Enumerate").body.get("volume_ids", [])

    def ownership(self, who, volume):
        return self(who, "Volume.Inspect", {"volume_id": volume}).body["volume"]["spec"]["ownership"]


@pytest.fixture(params=[GrpcWire, RestWire], ids=["grpc", "rest"])
def people_of(request, tmp_path):
    """Make people who talk over one wire to a node with the settings that are asked for."""
    open_things = []

    def make(**settings):
        under_test = new_node(tmp_path, **settings)
        wire = request.param(Calls(under_test.node))
        open_things.append((under_test, wire))
        return People(under_test, wire)

    yield make
    for under_test, wire in open_things:
        wire.close()
        release(under_test)


@pytest.fixture
def people(people_of):
    return people_of()


def share(volume, **acls):
    return {"volume_id": volume, "spec": {"ownership": {"acls": acls}}}


def test_1_a_volume_belongs_to_its_creator_and_others_do_not_see_it(people):
    volume = people.make("user1").body["volume_id"]
    assert people.ownership("user1", volume) == {"owner": "user1"}
    assert (people.ids("user1"), people.ids("user2"), people.ids("admin")) == ([volume], [], [volume])
    assert people("user2", "Volume.Inspect", {"volume_id": volume}).gate == "ownership"


def test_2_sharing_shows_a_volume_and_does_not_give_it_away(people):
    volume = people.make("user1").body["volume_id"]
    assert people("user1", "Volume.Update", share(volume, groups={"users": "Read"})).code == OK
    assert people.ids("user2") == [volume]
    refused = people("user2", "Volume.Update", share(volume, groups={"users": "Admin"}))
    assert (refused.code, refused.gate) == (DENIED, "ownership")
    assert people("admin", "Volume.Update", share(volume, groups={"testers": "Write"})).code == OK
    assert people.ownership("admin", volume) == {"owner": "user1", "acls": {"groups": {"testers": "Write"}}}
    assert (people.ids("user2"), people.ids("user3")) == ([], [volume])


def test_3_roles_come_before_arguments(people):
    answer = people("user1", "Role.Create", {})
    assert (answer.code, answer.gate) == (DENIED, "role")
    assert people("admin", "Role.Create", {}).code == INVALID


def test_4_roles_are_made_changed_and_removed(people):
    role = {"name": "team.reader", "rules": [{"services": ["volume"], "apis": ["inspect*"]}]}
    other = {**role, "rules": [{"services": ["volume"], "apis": ["*"]}]}
    for _ in range(2):
        assert people("admin", "Role.Create", {"role": role}).body == {"role": role}
    assert people("admin", "Role.Create", {"role": other}).code == EXISTS
    assert people("admin", "Role.Inspect", {"name": "team.reader"}).body == {"role": role}
    assert "team.reader" in people("admin", "Role.Enumerate").body["names"]
    assert people("admin", "Role.Delete", {"name": "team.reader"}).code == OK
    assert people("admin", "Role.Inspect", {"name": "team.reader"}).code == NOT_FOUND
    for name in ("system.admin", "system.user", "system.view", "system.guest"):
        assert people("admin", "Role.Create", {"role": {**role, "name": name}}).code == INVALID
        assert people("admin", "Role.Delete", {"name": name}).code == INVALID


def test_6_roles_reach_methods_that_are_not_served(people):
    tokens = people.tokens
    tokens["viewer"] = people.t.token("viewer", roles=("system.view",))
    trim = {"name": "x"}
    assert people("admin", "CloudBackup.Catalog", {}).code == UNIMPLEMENTED
    assert people("viewer", "CloudBackup.Catalog", {}).gate == "role"
    assert people("viewer", "Role.Delete", trim).gate == "role"
    assert people("user1", "Node.DrainAttachments", {"node_id": "n"}).gate == "role"
    assert people("viewer", "Role.Enumerate").code == OK


def test_7_guests_make_and_remove_nothing_unless_they_are_let_in(people):
    answer = people.make("guest")
    assert (answer.code, answer.message) == (DENIED, "Access denied without authentication token")
    assert (answer.reason, answer.gate) == ("role_denied", "role")


def test_7_guests_who_are_let_in_are_switched_off_at_runtime(people_of):
    people = people_of(guest_access=True)
    assert people("guest", VERSION).code == OK
    off = {"name": "system.guest", "rules": [{"services": ["!*"], "apis": ["!*"]}]}
    assert people("admin", "Role.Update", {"role": off}).code == OK
    assert people("guest", VERSION).message == "Access denied without authentication token"
    assert people("user1", VERSION).code == OK


def test_11_a_clone_belongs_to_its_maker_and_a_snapshot_stays_with_its_parent(people):
    volume = people.make("user1").body["volume_id"]
    people("user1", "Volume.Update", share(volume, groups={"users": "Read"}))
    clone = people("user2", "Volume.Clone", {"name": "copy", "parent_id": volume}).body["volume_id"]
    assert people.ownership("user2", clone) == {"owner": "user2"}
    taken = people("user2", "Volume.SnapshotCreate", {"volume_id": volume, "name": "snap"})
    kept = people.ownership("user1", taken.body["snapshot_id"])
    assert kept == {"owner": "user1", "acls": {"groups": {"users": "Read"}}}


def test_12_owners_do_not_name_owners_and_administrators_do(people):
    volume = people.make("user1").body["volume_id"]
    named = {"volume_id": volume, "spec": {"ownership": {"owner": "user1"}}}
    assert people("user1", "Volume.Update", named).code == DENIED
    given = {"volume_id": volume, "spec": {"ownership": {"owner": "user2"}}}
    assert people("admin", "Volume.Update", given).code == OK
    assert (people.ids("user1"), people.ids("user2")) == ([], [volume])


def segment(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def unsigned(claims):
    return f"{segment({'alg': 'HS256', 'typ': 'JWT'})}.{segment(claims)}.AAAA"


# Situation: (credential, code, reason, text). An expired or forged token is 401 here, with its reason; there
# it is 403, and clients cannot tell "get a new token" from "you may not".
CREDENTIALS = {
    "no-blank": (lambda t: "abc", UNAUTHENTICATED, "malformed", "Invalid or missing authentication token"),
    "scheme-alone": (
        lambda t: "bearer",
        UNAUTHENTICATED,
        "malformed",
        "Invalid or missing authentication token",
    ),
    "other-scheme": (
        lambda t: f"basic {t.token('user1')}",
        UNAUTHENTICATED,
        "malformed",
        "Invalid or missing authentication token",
    ),
    "two-blanks": (
        lambda t: f"bearer  {t.token('user1')}",
        UNAUTHENTICATED,
        "malformed",
        "Invalid or missing authentication token",
    ),
    "two-tokens-in-one": (
        lambda t: f"bearer {t.token('user1')} {t.token('user1')}",
        UNAUTHENTICATED,
        "malformed",
        "Invalid or missing authentication token",
    ),
    "two-credentials": (
        lambda t: (f"bearer {t.token('user1')}", f"bearer {t.token('user1')}"),
        UNAUTHENTICATED,
        "malformed",
        "Invalid or missing authentication token",
    ),
    "one-part": (lambda t: "bearer abc", UNAUTHENTICATED, "malformed", ""),
    "two-parts": (lambda t: "bearer abc.def", UNAUTHENTICATED, "malformed", ""),
    "four-parts": (lambda t: f"bearer {t.token('user1')}.x", UNAUTHENTICATED, "malformed", ""),
    "payload-no-json": (
        lambda t: f"bearer {segment({'alg': 'HS256', 'typ': 'JWT'})}.YWJj.AAAA",
        UNAUTHENTICATED,
        "malformed",
        "",
    ),
    "no-issuer": (lambda t: f"bearer {unsigned({'sub': 'a'})}", UNAUTHENTICATED, "missing_claim", ""),
    "issuer-of-another-type": (
        lambda t: f"bearer {unsigned({'iss': 5})}",
        UNAUTHENTICATED,
        "missing_claim",
        "",
    ),
    "unknown-issuer": (
        lambda t: f"bearer {unsigned({'iss': 'nobody'})}",
        UNAUTHENTICATED,
        "unknown_issuer",
        "",
    ),
    "bad-signature": (
        lambda t: f"bearer {t.token('user1', secret=b'x' * 32)}",
        UNAUTHENTICATED,
        "bad_signature",
        "",
    ),
    "expired": (lambda t: f"bearer {t.token('user1', lifetime=0)}", UNAUTHENTICATED, "expired", "expired"),
    "no-roles": (
        lambda t: f"bearer {t.token('user1', roles=())}",
        DENIED,
        "role_denied",
        "Access to /openstorage.api.OpenStorageIdentity/Version denied: Access denied to roles: []",
    ),
    "roles-that-refuse": (
        lambda t: f"bearer {t.token('user1', roles=('a', 'b'))}",
        DENIED,
        "role_denied",
        "Access to /openstorage.api.OpenStorageIdentity/Version denied: Access denied to roles: [a b]",
    ),
    "capitals": (lambda t: f"BeArEr {t.token('user1')}", OK, "", ""),
    "empty-value": (lambda t: "", DENIED, "role_denied", "Access denied without authentication token"),
}


@pytest.mark.parametrize("situation", CREDENTIALS)
def test_what_becomes_of_a_credential(people, situation):
    make, code, reason, text = CREDENTIALS[situation]
    credential = make(people.t)
    answer = people("guest", VERSION, authorization=credential)
    assert (answer.code, answer.reason) == (code, reason)
    assert answer.message.startswith(text) or text in answer.message
    if code:
        assert answer.gate == ("token" if code == UNAUTHENTICATED else "role")
        assert not any(len(word) > 8 and word in answer.message for word in str(credential).split()[1:])


def test_issued_in_the_future_is_told_apart_from_expired(people):
    user = User(name="user1", email="", sub="user1", roles=("system.user",), groups=())
    key = SharedSecretKey(SecretBytes(SECRET))
    early = generate_token(user, issuer="test", key=key, issued_at=people.t.clock.now() + 2)
    answer = people("guest", VERSION, authorization=f"bearer {early}")
    assert (answer.code, answer.reason) == (UNAUTHENTICATED, "not_yet_valid")


def test_a_refused_call_names_the_request_that_the_audit_log_has(people):
    people.make("user1")
    answer = people("user2", "Volume.Inspect", {"volume_id": "vol1"})
    assert answer.metadata["request"] == people.t.sink.lines[-1]["request"]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        pytest.param("trace-1234", "trace-1234", id="well-formed"),
        pytest.param("a" * 128, "a" * 128, id="longest"),
        pytest.param("a" * 129, None, id="too-long"),
        pytest.param('x","user":"admin', None, id="with-quotes"),
        pytest.param("two words", None, id="with-a-blank"),
    ],
)
def test_a_callers_id_is_kept_beside_ours_if_it_is_well_formed(people, given, kept):
    people("user1", VERSION, metadata=(("correlation-context-id", given),))
    line = people.t.sink.lines[-1]
    assert line.get("correlation") == kept
    assert line["request"] != given


def test_a_volume_that_one_may_not_see_and_one_that_is_not_there_look_alike(people):
    people.make("user1")
    told = {
        people("user2", "Volume.Inspect", {"volume_id": name}).message.replace(name, "*")
        for name in ("vol1", "none")
    }
    assert len(told) == 1


def test_a_volume_has_its_messages_even_where_there_is_nothing_to_say(people):
    """Clients of the SDK look into ``source`` without asking whether it is there."""
    volume = people.make("user1").body["volume_id"]
    told = people("user1", "Volume.Inspect", {"volume_id": volume}).body["volume"]
    assert (told["source"], told["spec"]["ha_level"]) == ({}, "1")
    people("user1", "Volume.SnapshotCreate", {"volume_id": volume, "name": "snap"})
    snapshot = people("user1", "Volume.Inspect", {"volume_id": "snap"}).body["volume"]
    assert snapshot["source"] == {"parent": volume}


def test_a_method_that_is_not_served_says_so_whatever_it_is_asked(people):
    """Its request is not read: the SDK's clients send fields in it that nothing here knows."""
    if people.wire.name == "grpc":
        method = people.wire.channel.unary_unary("/openstorage.api.OpenStorageNode/VolumeBytesUsedByNode")
        metadata = [("authorization", f"bearer {people.tokens['admin']}")]
        with pytest.raises(grpc.RpcError) as error:
            method(b"\x0a\x05node1\x12\x01\x07", metadata=metadata, timeout=CALL_SECONDS)
        answer = grpc_refusal(error.value)
    else:
        answer = people("admin", "Node.VolumeBytesUsedByNode", {"node_id": "node1", "ids": ["7"]})
    assert (answer.code, answer.reason) == (UNIMPLEMENTED, "unsupported")


def test_a_node_restores_a_backup_for_itself_and_for_no_other(people):
    """Clients of the SDK name the node they talk to; what is refused below is the id of the backup."""
    own = people("admin", "Node.InspectCurrent").body["node"]["id"]
    restore = {"backup_id": "none", "credential_id": "none"}
    for node, code in (("", NOT_FOUND), (own, NOT_FOUND), ("another", UNIMPLEMENTED)):
        assert people("admin", "CloudBackup.Restore", {**restore, "node_id": node}).code == code


def test_an_attached_volume_says_on_which_node_it_is(people):
    """Clients of the SDK wait for that to be empty before they delete one."""
    own = people("admin", "Node.InspectCurrent").body["node"]["id"]
    wanted = {"volume_id": people.make("user1").body["volume_id"]}

    def told():
        one = people("user1", "Volume.Inspect", wanted).body["volume"]
        (listed,) = people("user1", "Volume.InspectWithFilters", {"name": "vol1"}).body["volumes"]
        assert listed["volume"].get("attached_on") == one.get("attached_on")
        return one.get("attached_on")

    assert told() is None
    people("user1", "MountAttach.Attach", wanted)
    assert told() == own
    people("user1", "MountAttach.Detach", wanted)
    assert told() is None


def test_what_clients_say_without_wanting_anything_is_nothing_wanted(people):
    """The SDK's command line sends every property with the value that it has anyway."""
    as_it_is = {"ha_level": "1", "scale": 1, "queue_depth": 128, "aggregation_level": 1, "io_strategy": {}}
    assert people.make("user1", **as_it_is).code == OK
    for wish in ({"io_strategy": {"early_ack": True}}, {"scale": 2}, {"ha_level": "2"}):
        answer = people.make("user1", "vol2", **wish)
        (name,) = wish
        assert (answer.code, answer.message.partition(":")[0]) == (INVALID, f"spec.{name}")
    same_size = {"volume_id": "vol1", "labels": {"tier": "gold"}, "spec": {"size": "0"}}
    assert people("user1", "Volume.Update", same_size).code == OK
    told = people("user1", "Volume.Inspect", {"volume_id": "vol1"}).body
    assert (told["labels"], told["volume"]["spec"]["size"]) == ({"tier": "gold"}, SIZE)
