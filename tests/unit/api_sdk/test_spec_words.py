"""What a volume is to be, in the words of Portworx's tools: read as they are meant, or refused."""

import pytest

from holdfast.api.sdk.proto.volume_types_pb2 import FS_TYPE_EXT4, FS_TYPE_NONE, FS_TYPE_XFS, VolumeSpec
from holdfast.api.sdk.spec_words import MAX_LENGTH, WantedVolume, read_words
from holdfast.errors import InvalidInputError

GIB = 1 << 30


def wanted(name="data", size=0, format_=FS_TYPE_NONE, encrypted=False, secret="", entry="", namespace=""):
    return WantedVolume(name, size, format_, encrypted, secret, entry, namespace)


@pytest.mark.parametrize(
    ("name", "labels", "spec", "expected"),
    [
        ("data", {}, {}, wanted()),
        ("data", {}, {"size": 5, "encrypted": True}, wanted(size=5, encrypted=True)),
        ("data", {"secure": "true"}, {}, wanted(encrypted=True)),
        ("data", {"secure": "False"}, {}, wanted()),
        ("data", {"secret_key": "team/key"}, {}, wanted(encrypted=True, secret="team/key")),
        ("data", {"secret_key": "k"}, {"passphrase": "k"}, wanted(encrypted=True, secret="k")),
        ("data", {"tier": "gold"}, {}, wanted()),
        ("data", {"SECRET_NAME": "k"}, {}, wanted(encrypted=True, secret="k")),
        (
            "data",
            {"SECRET_NAME": "obj", "SECRET_KEY": "entry", "SECRET_CONTEXT": "ns"},
            {},
            wanted(encrypted=True, secret="obj", entry="entry", namespace="ns"),
        ),
        ("data", {"SECRET_KEY": "entry"}, {}, wanted(encrypted=True, entry="entry")),
        ("data", {"px/secure": "true"}, {}, wanted(encrypted=True)),
        ("data", {"px/secret-name": "default"}, {}, wanted(encrypted=True, secret="default")),
        ("data", {"px/secret-name": "a", "secret_key": "b"}, {}, wanted(encrypted=True, secret="a")),
        ("data", {"px/secure": "false", "secure": "true", "secret_key": "b"}, {}, wanted()),
        ("data", {"px/secure": "true", "secure": "false"}, {}, wanted(encrypted=True)),
        (
            "data",
            {"px/secret-name": "obj", "px/secret-key": "entry", "px/secret-namespace": "ns"},
            {},
            wanted(encrypted=True, secret="obj", entry="entry", namespace="ns"),
        ),
        (
            "data",
            {"px/secret-name": "a", "px/vault-namespace": "ns1", "SECRET_CONTEXT": "ns2"},
            {},
            wanted(encrypted=True, secret="a", namespace="ns1"),
        ),
        ("secret_key=key1,name=data", {}, {}, wanted(encrypted=True, secret="key1")),
        ("secure=true,secret_key=default,name=data,", {}, {}, wanted(encrypted=True, secret="default")),
        ("name=data,size=10G,fs=xfs", {}, {}, wanted(size=10 * GIB, format_=FS_TYPE_XFS)),
        ("name=data,size=4194304", {}, {"format": FS_TYPE_EXT4}, wanted(size=4 << 20, format_=FS_TYPE_EXT4)),
        ("name=data,size=1GiB", {}, {"size": GIB}, wanted(size=GIB)),
        ("size=1G", {}, {}, wanted(name="", size=GIB)),
    ],
)
def test_words_mean_what_they_mean_to_the_original(name, labels, spec, expected):
    assert read_words(name, labels, VolumeSpec(**spec)) == expected


@pytest.mark.parametrize(
    ("name", "labels", "spec", "said"),
    [
        ("secure=false,secret_key=x,name=data", {}, {}, "no secret_key where secure is false"),
        ("data", {"secure": "false", "secret_key": "x"}, {}, "no secret_key where secure is false"),
        ("data", {"secure": "maybe"}, {}, "true or false"),
        ("data", {"px/secure": "maybe"}, {}, "px/secure: expected true or false"),
        ("data", {"px/secure": "false", "px/secret-name": "x"}, {}, "no secret_key where secure is false"),
        ("data", {"px/secure": "false"}, {"encrypted": True}, "the same in labels"),
        ("data", {"secure": "false", "SECRET_NAME": "x"}, {}, "no secret_key where secure is false"),
        ("data", {"secure": "false"}, {"own_key": True}, "the same in labels"),
        ("data", {"SECRET_NAME": "x", "secret_key": "y"}, {}, "secret_key: expected the same"),
        ("data", {"px/secret-name": "a b"}, {}, "px/secret-name: expected the name of a secret"),
        (
            "data",
            {"px/secret-namespace": "a", "px/vault-namespace": "b"},
            {},
            "px/secret-namespace: expected",
        ),
        ("data", {"SECRET_CONTEXT": "a"}, {"secret_context": "b"}, "secret_context: expected the same"),
        ("data", {"secure": ""}, {}, "true or false"),
        ("data", {"secret_key": ""}, {}, "the name of a secret"),
        ("data", {"secret_key": "a b"}, {}, "the name of a secret"),
        ("data", {"secret_key": "a"}, {"passphrase": "b"}, "the same in labels"),
        ("data", {"secure": "false"}, {"encrypted": True}, "the same in labels"),
        ("data", {"secure": "false"}, {"passphrase": "b"}, "the same in labels"),
        ("name=data,secret_key=a", {"secret_key": "b"}, {}, "the same in labels"),
        ("name=data,size=1G", {}, {"size": 5}, "the same in name"),
        ("name=data,fs=xfs", {}, {"format": FS_TYPE_EXT4}, "the same in name"),
        ("name=data,fs=ntfs", {}, {}, "expected one of ext4, xfs"),
        ("name=data,size=much", {}, {}, "size: expected bytes"),
        ("name=data,size=-1", {}, {}, "size: expected bytes"),
        ("name=data,repl=3", {}, {}, "this node knows"),
        ("name=data,passphrase=hunter2", {}, {}, "this node knows"),
        ("name=data,name=other", {}, {}, "name once"),
        ("name=data,,size=1G", {}, {}, "this node knows"),
        ("=", {}, {}, "this node knows"),
        ("name=" + "a" * MAX_LENGTH, {}, {}, "at most"),
    ],
)
def test_what_contradicts_itself_or_is_unknown_is_refused_without_being_repeated(name, labels, spec, said):
    with pytest.raises(InvalidInputError, match=said) as refused:
        read_words(name, labels, VolumeSpec(**spec))
    for value in ("maybe", "hunter2", "ntfs", "much", "a b"):
        assert value not in refused.value.message
