"""The SDK as another program meets it: a client made from the ``.proto`` files, TLS, and a real node."""

import json
import subprocess
import sys
import time
from pathlib import Path

import grpc
import grpc_tools
import pytest
from grpc_tools import protoc
from tests.support.certificates import TestAuthority
from tests.support.node_process import NodeProcess
from tests.support.protos import PROTOS, SOURCE

from holdfast import errors
from holdfast.client import SdkClient
from holdfast.client.tls import TlsSettings

SECONDS = 60
VERSION = "/openstorage.api.OpenStorageIdentity/Version"

# What a user of the SDK writes. It knows the messages, a certificate and a token, and nothing else of ours.
PROGRAM = """
import sys, grpc
from sdk.holdfast.api.sdk.proto import (
    cloudbackup_pb2, cloudbackup_pb2_grpc, identity_pb2, identity_pb2_grpc, volume_pb2, volume_pb2_grpc,
    volume_types_pb2, watch_pb2, watch_pb2_grpc,
)

address, authority, token = sys.argv[1], open(sys.argv[2], "rb").read(), sys.stdin.read().strip()
credentials = grpc.composite_channel_credentials(
    grpc.ssl_channel_credentials(authority), grpc.access_token_call_credentials(token)
)
with grpc.secure_channel(address, credentials) as channel:
    identity = identity_pb2_grpc.OpenStorageIdentityStub(channel)
    volumes = volume_pb2_grpc.OpenStorageVolumeStub(channel)
    print(identity.Version(identity_pb2.SdkIdentityVersionRequest()).sdk_version.version)
    spec = volume_types_pb2.VolumeSpec(size=16 << 20, format=volume_types_pb2.FS_TYPE_EXT4)
    made = volumes.Create(volume_pb2.SdkVolumeCreateRequest(name="vol1", spec=spec, labels={"tier": "gold"}))
    watch = watch_pb2_grpc.OpenStorageWatchStub(channel).Watch(watch_pb2.SdkWatchRequest(volume_event={}))
    print(next(watch).volume_event.name)
    seen = volumes.Inspect(volume_pb2.SdkVolumeInspectRequest(volume_id=made.volume_id))
    print(seen.volume.spec.ownership.owner, dict(seen.labels))
    try:
        backups = cloudbackup_pb2_grpc.OpenStorageCloudBackupStub(channel)
        backups.Catalog(cloudbackup_pb2.SdkCloudBackupCatalogRequest(backup_id="vol1"))
    except grpc.RpcError as error:
        print(error.code().name, error.details())
    volumes.Delete(volume_pb2.SdkVolumeDeleteRequest(volume_id=made.volume_id))
    print(list(volumes.Enumerate(volume_pb2.SdkVolumeEnumerateRequest()).volume_ids))
"""


@pytest.fixture(scope="module")
def generated(tmp_path_factory):
    """Stubs as any user makes them, from a copy of the files below a path of its own."""
    directory = tmp_path_factory.mktemp("client")
    copy = directory / "sdk" / PROTOS
    copy.mkdir(parents=True)
    for file in (SOURCE / PROTOS).glob("*.proto"):
        text = file.read_text().replace('import "holdfast/', 'import "sdk/holdfast/')
        (copy / file.name).write_text(text)
    well_known = Path(grpc_tools.__file__).parent / "_proto"
    files = sorted(str(file) for file in copy.glob("*.proto"))
    outputs = [f"--python_out={directory}", f"--grpc_python_out={directory}"]
    assert protoc.main(["protoc", f"-I{directory}", f"-I{well_known}", *outputs, *files]) == 0
    (directory / "program.py").write_text(PROGRAM)
    return directory


@pytest.fixture(scope="module")
def authority():
    return TestAuthority()


@pytest.fixture
def certified(tmp_path, authority):
    """Return arguments of a node with a certificate, and the authority's file."""
    certificate, key = authority.issue(tmp_path, "node")
    return ("-apicert", certificate, "-apikey", key), authority.write_authority(tmp_path / "ca.pem")


def grpc_address(node):
    return json.loads(node.ready_file.read_text())["grpc_address"]


def call(address, credentials, token="", method=VERSION):
    metadata = (("authorization", f"bearer {token}"),) if token else ()
    with grpc.secure_channel(address, credentials) as channel:
        return channel.unary_unary(method)(b"", metadata=metadata, timeout=SECONDS, wait_for_ready=False)


def test_a_client_made_from_the_proto_files_works_over_tls(tmp_path, generated, certified):
    arguments, authority_file = certified
    access_log = tmp_path / "access.log"
    with NodeProcess(tmp_path, *arguments, "--access-log", str(access_log)) as node:
        node.tls_ca = authority_file
        token = node.token("alice", roles=("system.user", "system.view"))
        address = grpc_address(node).replace("127.0.0.1", "localhost")
        done = subprocess.run(
            [sys.executable, "program.py", address, authority_file],
            cwd=generated,
            input=token,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.splitlines() == [
            "0.186.0",
            "vol1",
            "alice {'tier': 'gold'}",
            "UNIMPLEMENTED CloudBackup.Catalog is not offered by this node",
            "[]",
        ]
        told = access_log.read_text()
        assert "/openstorage.api.OpenStorageVolume/Create OK " in told
        assert "/openstorage.api.OpenStorageCloudBackup/Catalog UNIMPLEMENTED " in told
        assert access_log.stat().st_mode & 0o777 == 0o600
        assert token not in told + node.log_path.read_text()
        with grpc.insecure_channel(grpc_address(node)) as channel, pytest.raises(grpc.RpcError) as error:
            channel.unary_unary(VERSION)(b"", timeout=SECONDS)
        assert error.value.code() is grpc.StatusCode.UNAVAILABLE  # plain text gets no answer


def test_a_new_certificate_is_used_after_sighup(tmp_path, certified):
    arguments, authority_file = certified
    with NodeProcess(tmp_path, *arguments) as node:
        node.tls_ca = authority_file
        token, address = node.token("alice"), grpc_address(node)
        other = TestAuthority("Another CA")
        other_file = other.write_authority(tmp_path / "other-ca.pem")
        old, new = (
            grpc.ssl_channel_credentials(Path(file).read_bytes()) for file in (authority_file, other_file)
        )
        assert call(address, old, token)
        other.issue(tmp_path, "node")  # over the old files
        node.hang_up()
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                assert call(address, new, token)
                break
            except grpc.RpcError:
                assert time.monotonic() < deadline, node.log_path.read_text()[-2000:]
                time.sleep(0.1)
        with pytest.raises(grpc.RpcError):
            call(address, old, token)
        node.tls_ca = other_file


@pytest.mark.parametrize("asked", [True, False], ids=["asked-for", "switched-off"])
def test_client_certificates_on_both_sides(tmp_path, authority, certified, asked):
    arguments, authority_file = certified
    more = ("-apirootca", authority_file) if asked else ("-apirootca", authority_file, "-apidisclientauth")
    certificate, key = authority.issue(tmp_path, "client")
    stranger, stranger_key = TestAuthority("Stranger").issue(tmp_path, "stranger")
    roots = Path(authority_file).read_bytes()

    def credentials(certificate="", key=""):
        chain = [Path(file).read_bytes() if file else None for file in (key, certificate)]
        return grpc.ssl_channel_credentials(roots, *chain)

    with NodeProcess(tmp_path, *arguments, *more) as node:
        node.tls_ca, node.tls_client = authority_file, (certificate, key)
        token, address = node.token("alice"), grpc_address(node)
        assert call(address, credentials(certificate, key), token)
        for others in ((), (stranger, stranger_key)):
            if asked:
                with pytest.raises(grpc.RpcError) as error:
                    call(address, credentials(*others), token)
                assert error.value.code() is grpc.StatusCode.UNAVAILABLE
            else:
                assert call(address, credentials(*others), token)
        bare = SdkClient(node.address, token, tls=TlsSettings(ca_cert=authority_file))
        if asked:
            with pytest.raises(errors.UnavailableError):
                bare.request("GET", "identities/version")
        else:
            assert bare.request("GET", "identities/version")
        assert node.client(token).request("GET", "identities/version")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        pytest.param(("--grpc-listen", "nowhere"), "--grpc-listen: expected host:port", id="no-port"),
        pytest.param(("--grpc-listen", "0.0.0.0:0"), "expected TLS", id="plain-text-off-loopback"),
        pytest.param(("-apirootca", "ca.pem"), "-apirootca: expected together", id="ca-without-certificate"),
    ],
)
def test_it_does_not_start_half_configured(tmp_path, arguments, text):
    code, said = NodeProcess(tmp_path, *arguments).refused()
    assert (code, text in said, "Traceback" in said) == (1, True, False), said


def test_a_port_that_is_taken_is_told_and_a_node_may_do_without(tmp_path):
    with NodeProcess(tmp_path) as node:
        other = tmp_path / "other"
        other.mkdir()
        code, said = NodeProcess(other, "--grpc-listen", grpc_address(node)).refused()
        assert (code, "is another program there?" in said) == (1, True), said
        with NodeProcess(other, "--grpc-listen", "off") as rest:
            assert grpc_address(rest) == ""
            assert rest.client(rest.token("alice")).request("GET", "identities/version")
