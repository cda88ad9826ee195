"""Whoever is turned away learns what the audit log calls it; the log says who it was, where that is sure."""

import pytest
from tests.support.node_under_test import new_node
from tests.support.sdk_face import Face

from holdfast.storage.memory import MemoryStorage

VOLUMES = ("GET", "/v1/volumes")


@pytest.fixture
def face(tmp_path):
    made = Face(new_node(tmp_path, attaching=False))
    yield made
    made.dialect.close()


def refused(face, status, *, method="GET", path="/v1/volumes", **credential):
    """Return the one line that the log has of a refused call, which the answer names by its id."""
    face.t.sink.lines.clear()
    answer = face(method, path, **credential)
    assert answer.status == status
    (line,) = face.t.sink.lines
    (detail,) = answer.json["details"]
    assert line["request"] == detail["metadata"]["request"]
    assert (line["decision"], line["peer"]) == ("denied", "127.0.0.1:9")
    return line


@pytest.mark.parametrize(
    "header", [b"Basic YWxpY2U6cGFzcw==", b"Bearer", b"e30.e30.e30", b"Bearer  e30.e30.e30", b"Bearer a b"]
)
def test_what_is_no_token_at_all_is_a_decision_like_others(face, header):
    line = refused(face, 401, authorization=header)
    assert (line["gate"], line["reason"], line["api"]) == ("token", "malformed", "volume.enumerate")
    assert not any(part in str(line) for part in ("YWxpY2U6", "e30.e30"))


ADMIN_ROLE = {"roles": ("system.admin",)}  # all APIs, and not the group * that goes with it


@pytest.mark.parametrize(
    ("user", "roles", "method", "path", "body"),
    [
        pytest.param("carol", ADMIN_ROLE, "GET", "/v1/clusterpairs/token", None, id="pair-token"),
        pytest.param("carol", ADMIN_ROLE, "POST", "/v1/clusterpairs/token", {}, id="reset-pair-tokens"),
        pytest.param("carol", ADMIN_ROLE, "POST", "/v1/storagepolicies/release", {}, id="default-policy"),
        pytest.param("carol", ADMIN_ROLE, "POST", "/v1/tokens/revoke", {"subject": "alice"}, id="revoke"),
        pytest.param(
            "alice", {}, "PUT", "/v1/volumes/access/vol1", {"owner": "alice"}, id="an-owner-names-himself"
        ),
        pytest.param(
            "bob",
            {},
            "PUT",
            "/v1/volumes/vol1",
            {"spec": {"ownership": {"acls": {"public": {"type": "Read"}}}}},
            id="a-writer-shares-further",
        ),
    ],
)
def test_who_is_refused_behind_the_gates_is_in_the_log_too(face, user, roles, method, path, body):
    face.create(ownership={"acls": {"collaborators": {"bob": "Write"}}})
    face.t.sink.lines.clear()
    answer = face(method, path, body, token=face.t.token(user, **roles))
    (detail,) = answer.json["details"]
    assert (answer.status, detail["reason"], detail["metadata"]["gate"]) == (
        403,
        "ownership_denied",
        "ownership",
    )
    (denied,) = (line for line in face.t.sink.lines if line["decision"] == "denied")
    assert (denied["gate"], denied["user"]) == ("ownership", user)
    assert denied["request"] == detail["metadata"]["request"]
    assert denied["reason"]


def test_a_place_that_is_refused_is_in_the_log_too(tmp_path):
    face = Face(new_node(tmp_path))
    face.create()
    where = {"volume_id": "vol1", "mount_path": "/etc"}
    answer = face("POST", "/v1/mountattach/mount", where, token=face.t.token("alice"))
    denied = face.t.sink.lines[-1]
    assert (answer.status, denied["decision"], denied["api"]) == (403, "denied", "mountattach.mount")
    assert denied["reason"].startswith("mount_path: expected a directory below")
    face.dialect.close()


def expired(face):
    return face.t.token("alice", groups=("team",), lifetime=0)


def revoked(face):
    token = face.t.token("alice", groups=("team",))
    assert face("POST", "/v1/tokens/revoke", {}, token=token).status == 200
    return token


@pytest.mark.parametrize("token", [expired, revoked])
def test_whose_token_it_was_is_said_once_its_signature_is_good(face, token):
    line = refused(face, 401, token=token(face))
    assert (line["reason"], line["gate"]) == (token.__name__, "token")
    assert (line["user"], line["subject"], line["issuer"]) == ("alice", "alice", "test")
    assert (line["roles"], line["groups"]) == (["system.user"], ["team"])
    assert line["token_id"]


def test_a_forged_token_puts_nobodys_name_into_the_log(face):
    line = refused(face, 401, token=face.t.token("alice", secret=b"x" * 32))
    assert line["reason"] == "bad_signature"
    assert "alice" not in str(line)
    assert not line.keys() & {"user", "subject", "issuer", "roles", "groups", "token_id"}


@pytest.mark.parametrize("token", [pytest.param(None, id="guest"), pytest.param("carol", id="no-role")])
def test_a_role_that_refuses_is_found_by_what_the_answer_says(face, token):
    line = refused(face, 403, token=token and face.t.token(token, roles=("nothing",)))
    assert (line["gate"], line["api"], line.get("user")) == ("role", "volume.enumerate", token)
    assert line["reason"]


def test_who_is_turned_away_because_storage_is_is_in_the_log_too(tmp_path):
    storage = MemoryStorage(shared=True)
    face = Face(new_node(tmp_path, attaching=False, storage=storage))
    storage.close()
    line = refused(face, 503, token=face.t.admin)
    assert (line["gate"], line["api"]) == ("token", "volume.enumerate")
    assert "storage" in line["reason"]
    face.dialect.close()
