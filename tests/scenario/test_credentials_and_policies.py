"""Several people, one real node, both wires: credentials tried at a real S3 service, and storage policies."""

import json

import grpc
import pytest
from google.protobuf.json_format import MessageToDict, ParseDict
from tests.support.node_process import NodeProcess
from tests.support.s3_service import s3_service

from holdfast.api.sdk.rows import ROWS
from holdfast.errors import HoldfastError

BY_NAME = {f"{row.api.service}.{row.api.method}": row for row in ROWS}
PASSPHRASE = "canary-passphrase-of-backups"
MIB = 1 << 20
MAKERS = {"name": "policy.maker", "rules": [{"services": ["policy"], "apis": ["*"]}]}


@pytest.fixture(scope="module")
def service():
    with s3_service() as running:
        yield running


@pytest.fixture(scope="module")
def node(tmp_path_factory, service):
    directory = tmp_path_factory.mktemp("node")
    environment = {"HOLDFAST_SECRETS_DIRECTORY": str(directory / "secrets")}
    listed = ("--cloud-endpoint", f"http://{service.endpoint}")
    with NodeProcess(directory, "-secret_type", "file", *listed, environment=environment) as running:
        yield running


class RefusedError(Exception):
    """A call was refused, with the code of gRPC."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


def over_grpc(node, name, request, token):
    row = BY_NAME[name]
    address = json.loads(node.ready_file.read_text())["grpc_address"]
    with grpc.insecure_channel(address) as channel:
        method = channel.unary_unary(
            row.api.full_method, lambda message: message.SerializeToString(), row.response.FromString
        )
        try:
            answer = method(
                ParseDict(request, row.request()),
                metadata=(("authorization", f"bearer {token}"),),
                timeout=60,
            )
        except grpc.RpcError as error:
            raise RefusedError(error.code().value[0], error.details()) from None
    return MessageToDict(answer, preserving_proto_field_name=True)


CODES = {"InvalidInput": 3, "Conflict": 6, "PermissionDenied": 7, "Unavailable": 14, "NotFound": 5}


def over_rest(node, name, request, token):
    request = dict(request)
    route = BY_NAME[name].routes[0]
    path = "/".join(
        request.pop(part[1:-1]) if part.startswith("{") else part for part in route.path.split("/")
    )
    client = node.client(token)
    try:
        return client.request(route.verb, path, request if route.has_body else None)
    except HoldfastError as error:
        kind = type(error).__name__.removeprefix("Remote").removesuffix("Error")
        raise RefusedError(CODES[kind], error.message) from None
    finally:
        client.close()


@pytest.fixture(params=["rest", "grpc"])
def call(node, request):
    wire = over_rest if request.param == "rest" else over_grpc

    def run(who, name, body=None):
        person, *groups = who.split("/")
        roles = ("policy.maker", "system.user") if person == "maker" else ("system.user",)
        token = node.admin() if who == "admin" else node.token(person, roles=roles, groups=tuple(groups))
        return wire(node, name, body or {}, token)

    return run


def s3_request(service, name, **aws):
    return {
        "name": name,
        "bucket": service.bucket,
        "encryption_key": PASSPHRASE,
        "s3_storage_class": "STANDARD_IA",
        "aws_credential": {
            "access_key": service.owner.access_key,
            "secret_key": service.owner.secret_key,
            "endpoint": service.endpoint,
            "region": "us-east-1",
            "disable_ssl": True,
            **aws,
        },
    }


def refused(call, code, *args):
    with pytest.raises(RefusedError) as caught:
        call(*args)
    assert caught.value.code == code, str(caught.value)
    return str(caught.value)


def test_the_life_of_a_credential_among_several_people(call, node, service):
    made = call("alice", "Credentials.Create", s3_request(service, "backups"))
    identity = made["credential_id"]
    assert "they may list the bucket" in made["checked"][0]

    shown = call("alice", "Credentials.Inspect", {"credential_id": "backups"})
    assert shown["credential_id"] == identity
    assert shown["ownership"]["owner"] == "alice"
    assert shown["encrypts"]
    assert shown["aws_credential"] == {
        "access_key": service.owner.access_key,
        "endpoint": service.endpoint,
        "region": "us-east-1",
        "disable_ssl": True,
        "s3_storage_class": "STANDARD_IA",
    }

    by_name, by_id = {"credential_id": "backups"}, {"credential_id": identity}
    assert call("bob", "Credentials.Enumerate") == {}
    absent = refused(call, 7, "bob", "Credentials.Inspect", {"credential_id": "absent"})
    assert refused(call, 7, "bob", "Credentials.Inspect", by_name) == absent.replace("absent", "backups")

    grant = {**by_id, "add": {"groups": {"dev": "Read"}}}
    refused(call, 7, "bob", "Credentials.AccessUpdate", grant)
    call("alice", "Credentials.AccessUpdate", grant)
    assert call("carol/dev", "Credentials.Enumerate") == {"credential_ids": [identity]}
    assert call("carol/dev", "Credentials.Validate", by_id)["checked"] == made["checked"]
    call("carol/dev", "Credentials.DeleteReferences", by_id)
    for operation, body in (("Delete", by_id), ("Update", {**by_id, "update_req": {"bucket": "x-y"}})):
        refused(call, 7, "carol/dev", f"Credentials.{operation}", body)

    assert "update_req" in refused(call, 3, "alice", "Credentials.Update", by_id)
    rename = {**by_id, "update_req": {"name": "renamed"}}
    call("alice", "Credentials.Update", rename)
    shown = call("alice", "Credentials.Inspect", by_id)
    assert (shown["name"], shown["ownership"]["acls"]["groups"]) == ("renamed", {"dev": "Read"})
    wrong = {**by_id, "update_req": {"aws_credential": {"secret_key": "x" * 40, "disable_ssl": True}}}
    assert "credentials could not be validated" in refused(call, 7, "alice", "Credentials.Update", wrong)

    call("admin", "Credentials.AccessUpdate", {**by_id, "owner": "bob"})
    refused(call, 7, "alice", "Credentials.Inspect", by_id)
    assert call("bob", "Credentials.Delete", by_id) == {}
    assert call("admin", "Credentials.Enumerate") == {}
    assert list((node.directory / "secrets").iterdir()) == []


def test_what_is_refused_is_not_kept(call, node, service):
    for aws, code, text in (
        ({"secret_key": "x" * 40}, 7, "credentials could not be validated: secret_key"),
        ({"access_key": ""}, 3, "aws_credential.access_key: Must supply Access Key"),
        ({"endpoint": "127.0.0.1:1"}, 7, "aws_credential.disable_ssl: only a storage administrator"),
        ({"endpoint": "169.254.169.254", "disable_ssl": False}, 14, "not to be reached from here"),
    ):
        assert text in refused(call, code, "alice", "Credentials.Create", s3_request(service, "x", **aws))
    assert "Must supply a name" in refused(call, 3, "alice", "Credentials.Create")
    call("alice", "Credentials.Create", s3_request(service, "twice"))
    refused(call, 6, "bob", "Credentials.Create", s3_request(service, "twice"))
    call("alice", "Credentials.Delete", {"credential_id": "twice"})
    assert list((node.directory / "secrets").iterdir()) == []


def test_no_secret_part_is_in_a_file_but_the_providers(call, node, service):
    call("alice", "Credentials.Create", s3_request(service, "kept"))
    call("alice", "Credentials.Validate", {"credential_id": "kept"})
    secrets = [service.owner.secret_key.encode(), PASSPHRASE.encode()]
    found = {
        path
        for path in node.directory.rglob("*")
        if path.is_file() and any(secret in path.read_bytes() for secret in secrets)
    }
    assert len(found) == 1
    assert all(path.is_relative_to(node.directory / "secrets") for path in found)
    call("alice", "Credentials.Delete", {"credential_id": "kept"})
    assert not [path for path in (node.directory / "secrets").rglob("*") if path.is_file()]


def test_a_policy_is_made_by_some_imposed_by_administrators_and_followed_by_all(call):
    rules = {"encrypted": True, "volume_labels": {"tier": "gold"}, "size": str(32 * MIB), "size_operator": 1}
    policy = {"name": "gold", "policy": rules, "force": True, "ownership": {"acls": {"groups": {"dev": 0}}}}
    refused(call, 7, "alice", "Policy.Create", {"storage_policy": policy})
    if call("admin", "Role.Enumerate")["names"].count(MAKERS["name"]) == 0:
        call("admin", "Role.Create", {"role": MAKERS})
    call("maker", "Policy.Create", {"storage_policy": policy})
    refused(call, 6, "maker", "Policy.Create", {"storage_policy": policy})
    (shown,) = call("alice/dev", "Policy.Enumerate")["storage_policies"]
    assert (shown["name"], shown["ownership"]["owner"], shown["force"]) == ("gold", "maker", True)
    assert shown["policy"] == {
        "size": str(32 * MIB),
        "size_operator": "Minimum",
        "encrypted": True,
        "volume_labels": {"tier": "gold"},
    }

    refused(call, 7, "maker", "Policy.SetDefault", {"name": "gold"})
    assert call("alice", "Policy.DefaultInspect") == {}
    call("admin", "Policy.SetDefault", {"name": "gold"})
    assert "ownership" not in call("alice", "Policy.DefaultInspect")["storage_policy"]
    assert call("maker", "Policy.Inspect", {"name": "gold"})["storage_policy"]["is_default"]

    small = {"name": "vol1", "spec": {"size": str(16 * MIB)}}
    told = refused(call, 3, "alice", "Volume.Create", small)
    for field in ("spec.size: expected at least", "spec.encrypted: expected true", "labels: expected"):
        assert field in told
    assert call("admin", "Volume.Enumerate") == {}

    loosen = {"name": "gold", "policy": {"size": str(MIB), "size_operator": "Minimum"}, "force": False}
    change = {"storage_policy": loosen, "merge": True, "remove": ["force", "encrypted"]}
    call("maker", "Policy.Update", change)
    shown = call("maker", "Policy.Inspect", {"name": "gold"})["storage_policy"]
    assert (shown["ownership"]["owner"], "force" in shown, "encrypted" in shown["policy"]) == (
        "maker", False, False,
    )  # fmt: skip
    volume = call("alice", "Volume.Create", small)["volume_id"]
    seen = call("alice", "Volume.Inspect", {"volume_id": volume})
    assert seen["labels"] == {"tier": "gold"}
    assert seen["volume"]["spec"]["storage_policy"] == "gold"
    off = {"volume_id": volume, "labels": {"tier": "tin"}}
    assert "storage policy gold: labels" in refused(call, 3, "alice", "Volume.Update", off)

    refused(call, 7, "maker", "Policy.Delete", {"name": "gold"})
    call("admin", "Policy.Release")
    call("maker", "Policy.Delete", {"name": "gold"})
    call("alice", "Volume.Update", off)
    call("alice", "Volume.Delete", {"volume_id": volume})


def test_rules_that_this_node_cannot_hold_a_volume_to_are_refused_by_name(call):
    if call("admin", "Role.Enumerate")["names"].count(MAKERS["name"]) == 0:
        call("admin", "Role.Create", {"role": MAKERS})
    for rules, text in (
        ({"sticky": False}, "policy.sticky: not offered"),
        ({"ha_level": "2"}, "policy.ha_level: this node keeps 1 copy"),
        ({"formats": ["FS_TYPE_BTRFS"]}, "policy.formats: expected"),
        ({"size": "0"}, "policy.size: expected"),
    ):
        body = {"storage_policy": {"name": "odd", "policy": rules}}
        assert text in refused(call, 3, "maker", "Policy.Create", body)
    assert "Must supply Volume Specs" in refused(
        call, 3, "maker", "Policy.Create", {"storage_policy": {"name": "odd"}}
    )


def test_a_crash_leaves_credentials_usable(node, service):
    token = node.token("alice")
    over_rest(node, "Credentials.Create", s3_request(service, "durable"), token)
    node.kill()
    node.start()
    body = {"credential_id": "durable"}
    assert over_rest(node, "Credentials.Validate", body, token)["checked"]
    over_rest(node, "Credentials.Delete", body, token)
