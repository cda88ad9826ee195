"""The stanza ``storage "zookeeper"``: what every option means, and which are refused, naming the option."""

import re
from pathlib import Path

import pytest
from kazoo.security import CREATOR_ALL_ACL, OPEN_ACL_UNSAFE

from holdfast.errors import InvalidInputError
from holdfast.formats.hcl import parse_document
from holdfast.storage.factory import open_storage
from holdfast.storage.zookeeper import read_settings
from holdfast.storage.zookeeper.settings import _NAMES, TlsFiles

PASSWORD = "correct-horse-0815"
OPEN = {"address": "zk1:2181", "unprotected": True}
DIGEST = {"address": "zk1:2181", "auth_info": f"digest:store:{PASSWORD}"}


@pytest.fixture
def files(tmp_path):
    """Return a function that writes a file and returns its path."""

    def write(name, content="x"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return write


def test_defaults_are_those_of_the_guide():
    settings = read_settings(OPEN)
    assert settings.address == "zk1:2181"
    assert settings.path == "/holdfast"
    assert (settings.session_seconds, settings.patience_seconds) == (6, 10)
    assert (settings.auth, settings.sasl, settings.tls) == ((), None, None)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        pytest.param("zk1:2181", "zk1:2181", id="one"),
        pytest.param("zk1:2181,zk2:2182,zk3:65535", "zk1:2181,zk2:2182,zk3:65535", id="several"),
        pytest.param(" zk1:2181, zk2:2181 ", "zk1:2181,zk2:2181", id="spaces"),
        pytest.param("10.0.0.1:2181,[2001:db8::1]:2181", "10.0.0.1:2181,[2001:db8::1]:2181", id="numbers"),
    ],
)
def test_addresses_of_all_servers(address, expected):
    assert read_settings({**OPEN, "address": address}).address == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param("/holdfast", "/holdfast", id="absolute"),
        pytest.param("dcos/secrets/", "/dcos/secrets", id="slashes-do-not-matter"),
        pytest.param("/a-b_c.d/0", "/a-b_c.d/0", id="punctuation"),
    ],
)
def test_path_below_which_everything_lies(path, expected):
    assert read_settings({**OPEN, "path": path}).path == expected


def test_znodes_belong_to_digest_credentials():
    settings = read_settings(DIGEST)
    assert settings.auth == (("digest", f"store:{PASSWORD}"),)
    assert settings.acl == CREATOR_ALL_ACL
    assert settings.sasl_options is None


def test_digest_credentials_come_from_a_file_too(files):
    path = files("auth", f"digest:store:{PASSWORD}:with:colons\n")
    settings = read_settings({"address": "zk1:2181", "auth_info_file": path})
    assert settings.auth == (("digest", f"store:{PASSWORD}:with:colons"),)


def test_znodes_belong_to_a_sasl_user(files):
    options = {
        "address": "zk1:2181",
        "sasl_user": "store",
        "sasl_password_file": files("pw", f"{PASSWORD}\n"),
    }
    settings = read_settings(options)
    assert settings.sasl_options == {"mechanism": "DIGEST-MD5", "username": "store", "password": PASSWORD}
    assert settings.acl == CREATOR_ALL_ACL


@pytest.mark.parametrize("word", [True, "true", 1])
def test_unprotected_znodes_are_open_to_all(word):
    assert read_settings({**OPEN, "unprotected": word}).acl == OPEN_ACL_UNSAFE


def test_unprotected_beside_credentials_changes_nothing():
    assert read_settings({**DIGEST, "unprotected": True}).acl == CREATOR_ALL_ACL


def test_passwords_are_not_shown(files):
    sasl = {"address": "zk1:2181", "sasl_user": "store", "sasl_password_file": files("pw", PASSWORD)}
    for options in (DIGEST, sasl):
        assert PASSWORD not in repr(read_settings(options))


def test_tls_with_all_its_files(files):
    ca, cert, key = files("ca"), files("cert"), files("key")
    options = {"tls_enabled": True, "tls_ca_file": ca, "tls_cert_file": cert, "tls_key_file": key}
    assert read_settings({**OPEN, **options}).tls == TlsFiles(ca, cert, key, verify_hostname=True)
    options["tls_verify_hostname"] = "false"
    assert read_settings({**OPEN, **options}).tls == TlsFiles(ca, cert, key, verify_hostname=False)


def test_tls_with_the_authorities_of_the_host():
    assert read_settings({**OPEN, "tls_enabled": "true"}).tls == TlsFiles()


@pytest.mark.parametrize("off", [False, "false"])
def test_tls_that_is_off(off):
    assert read_settings({**OPEN, "tls_enabled": off}).tls is None


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        pytest.param("15s", 15, id="text"),
        pytest.param("1m30s", 90, id="sum"),
        pytest.param(4, 4, id="number"),
        pytest.param("300", 300, id="longest"),
        pytest.param(1, 1, id="shortest"),
    ],
)
def test_times(value, seconds):
    settings = read_settings({**OPEN, "session_timeout": value, "request_timeout": value})
    assert (settings.session_seconds, settings.patience_seconds) == (seconds, seconds)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({"adress": "x"}, "unknown option adress", id="misspelt"),
        pytest.param({"ha_enabled": "true"}, "unknown option ha_enabled", id="option-of-vault"),
        pytest.param({"address": None}, "address is required", id="no-address"),
        pytest.param({"address": ""}, "address: expected a text", id="empty-address"),
        pytest.param({"address": 2181}, "address: expected a text", id="address-is-a-number"),
        pytest.param({"address": "zk1"}, "address: expected host:port", id="no-port"),
        pytest.param({"address": "zk1:0"}, "address: expected host:port", id="port-zero"),
        pytest.param({"address": "zk1:65536"}, "address: expected host:port", id="port-too-large"),
        pytest.param({"address": "zk1:2181,"}, "address: expected host:port", id="empty-server"),
        pytest.param({"address": "zk1:2181;zk2:2181"}, "address: expected host:port", id="semicolon"),
        pytest.param({"address": "zk1:2181/holdfast"}, "address: expected host:port", id="chroot-in-address"),
        pytest.param(
            {"address": "user:pw@zk1:2181"}, "address: expected host:port", id="credentials-in-address"
        ),
        pytest.param({"path": "/"}, "path: expected a znode", id="top"),
        pytest.param({"path": ""}, "path: expected a znode", id="empty-path"),
        pytest.param({"path": "/a//b"}, "path: expected a znode", id="empty-segment"),
        pytest.param({"path": "/a/../b"}, "path: expected a znode", id="dots"),
        pytest.param({"path": "/zookeeper/x"}, "path: expected a znode", id="zookeepers-own"),
        pytest.param({"path": "/a b"}, "path: expected a znode", id="space"),
        pytest.param({"path": "/" + "ä"}, "path: expected a znode", id="umlaut"),
        pytest.param({"path": ["/a"]}, "path: expected a text", id="path-is-a-list"),
        pytest.param({"unprotected": None}, "auth_info_file or sasl_user is required", id="no-credentials"),
        pytest.param({"unprotected": False}, "auth_info_file or sasl_user is required", id="not-unprotected"),
        pytest.param({"unprotected": "yes"}, "unprotected: expected true or false", id="unprotected-yes"),
        pytest.param({"auth_info": f"store:{PASSWORD}"}, "auth_info: expected digest", id="no-scheme"),
        pytest.param({"auth_info": f"ip:{PASSWORD}"}, "auth_info: expected digest", id="other-scheme"),
        pytest.param({"auth_info": f"digest:{PASSWORD}"}, "auth_info: expected digest", id="no-password"),
        pytest.param({"auth_info": "digest:store:"}, "auth_info: expected digest", id="empty-password"),
        pytest.param({"auth_info": f"digest::{PASSWORD}"}, "auth_info: expected digest", id="empty-user"),
        pytest.param({"auth_info": 7}, "auth_info: expected a text", id="auth-is-a-number"),
        pytest.param(
            {"auth_info_file": "/nowhere/auth"}, "auth_info_file: the file cannot", id="no-auth-file"
        ),
        pytest.param(
            {"auth_info": "digest:a:b", "auth_info_file": "/nowhere"},
            "auth_info or auth_info_file, not both",
            id="two-places-for-auth",
        ),
        pytest.param({"sasl_user": "store"}, "sasl_password_file is required", id="no-password-file"),
        pytest.param({"sasl_password_file": "/nowhere"}, "sasl_user is required", id="no-user"),
        pytest.param(
            {"sasl_user": "", "sasl_password_file": "/nowhere"},
            "sasl_user: expected a text",
            id="empty-sasl-user",
        ),
        pytest.param(
            {"sasl_user": "store", "sasl_password_file": "/nowhere"},
            "sasl_password_file: the file cannot be read",
            id="unreadable-password",
        ),
        pytest.param({"tls_enabled": "on"}, "tls_enabled: expected true or false", id="tls-on"),
        pytest.param({"tls_ca_file": "/ca"}, "tls_ca_file: expected tls_enabled = true", id="ca-without-tls"),
        pytest.param({"tls_cert_file": "/c"}, "tls_cert_file: expected tls_enabled", id="cert-without-tls"),
        pytest.param({"tls_key_file": "/k"}, "tls_key_file: expected tls_enabled", id="key-without-tls"),
        pytest.param(
            {"tls_verify_hostname": True}, "tls_verify_hostname: expected tls_enabled", id="names-without-tls"
        ),
        pytest.param(
            {"tls_enabled": True, "tls_ca_file": "/nowhere/ca"},
            "tls_ca_file: expected a file that exists",
            id="no-ca-file",
        ),
        pytest.param(
            {"tls_enabled": True, "tls_cert_file": __file__},
            "tls_cert_file and tls_key_file together",
            id="certificate-without-key",
        ),
        pytest.param(
            {"tls_enabled": True, "tls_verify_hostname": "maybe"},
            "tls_verify_hostname: expected true or false",
            id="names-maybe",
        ),
        pytest.param({"session_timeout": 0}, "session_timeout: expected a duration from 1s", id="no-time"),
        pytest.param({"session_timeout": "301s"}, "session_timeout: expected a duration", id="too-long"),
        pytest.param({"session_timeout": True}, "session_timeout: expected a duration", id="boolean"),
        pytest.param({"session_timeout": "soon"}, "session_timeout: expected a duration", id="word"),
        pytest.param({"request_timeout": -1}, "request_timeout: expected a duration", id="negative"),
        pytest.param({"request_timeout": 1.5}, "request_timeout: expected a duration", id="fraction"),
        pytest.param({"request_timeout": []}, "request_timeout: expected a duration", id="list"),
    ],
)
def test_stanza_that_cannot_be_right_is_refused(changes, expected):
    options = {name: value for name, value in {**OPEN, **changes}.items() if value is not None}
    with pytest.raises(InvalidInputError, match=expected) as refused:
        open_storage("zookeeper", options)
    assert PASSWORD not in str(refused.value)


def test_two_kinds_of_credentials_are_refused(files):
    options = {**DIGEST, "sasl_user": "store", "sasl_password_file": files("pw", PASSWORD)}
    with pytest.raises(InvalidInputError, match="auth_info or sasl_user, not both"):
        read_settings(options)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param("\n", "the file is empty", id="empty"),
        pytest.param(b"\xff\xfe", "the file cannot be read", id="not-text"),
    ],
)
def test_password_file_without_a_password_is_refused(files, content, expected):
    options = {"address": "zk1:2181", "sasl_user": "store", "sasl_password_file": files("pw", content)}
    with pytest.raises(InvalidInputError, match=f"sasl_password_file: {expected}"):
        read_settings(options)


def test_the_guide_explains_every_option_and_its_example_is_one():
    guide = (Path(__file__).parents[3] / "docs" / "zookeeper.md").read_text(encoding="utf-8")
    explained = {
        name
        for row in re.findall(r"^\| (`.+?) \|", guide, re.MULTILINE)
        for name in re.findall(r"`(\w+)`", row)
    }
    assert explained == _NAMES
    example = re.search(r"```hcl\n(.*?)```", guide, re.DOTALL)[1]
    blocks = {block.type: block for block in parse_document(example, source="guide").blocks}
    options = dict(blocks["storage"].attributes)
    assert blocks["storage"].labels == ("zookeeper",)
    assert options.keys() <= _NAMES
    with pytest.raises(InvalidInputError, match="auth_info_file: the file cannot be read"):
        read_settings(options)
