"""Rules of storage policies are typed and shown the way users of pxctl know, and never guessed."""

import pytest

from holdfast.cli.arguments import CommandParser
from holdfast.cli.errors import UsageError
from holdfast.cli.hfctl import storage_policy
from holdfast.cli.hfctl.credentials import _row

GIB = 1 << 30


def rules(*words):
    parser = CommandParser(command="", summary="")
    storage_policy.create(parser)
    return storage_policy._rules(parser.parse_args(["gold", *words]))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), {}),
        (("--size", "10G,min"), {"size": str(10 * GIB), "size_operator": "Minimum"}),
        (("--size", "10,max"), {"size": str(10 * GIB), "size_operator": "Maximum"}),
        (("--size", "10G"), {"size": str(10 * GIB), "size_operator": "Equal"}),
        (("--size-limit", "1T"), {"size_limit": str(1024 * GIB)}),
        (("--replication", "2,min"), {"ha_level": "2", "ha_level_operator": "Minimum"}),
        (("--secure",), {"encrypted": True}),
        (("--secret_key", "team/key"), {"encrypted": True, "passphrase": "team/key"}),
        (("--fs", "xfs,ext4"), {"formats": ["FS_TYPE_XFS", "FS_TYPE_EXT4"]}),
        (("--label", "a=b,c=d"), {"volume_labels": {"a": "b", "c": "d"}}),
    ],
)
def test_rules(words, expected):
    assert rules(*words) == expected


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--size", "10G,least"), "--size"),
        (("--size", "big"), "--size"),
        (("--replication", "two"), "--replication"),
        (("--fs", "ntfs"), "--fs"),
        (("--fs", ""), "--fs"),
        (("--label", "a"), "--label"),
    ],
)
def test_rules_refused(words, text):
    with pytest.raises(UsageError, match=text):
        rules(*words)


def test_the_line_of_a_list():
    policy = {
        "name": "gold",
        "force": True,
        "policy": {
            "size": str(10 * GIB),
            "size_operator": "Minimum",
            "ha_level": "1",
            "encrypted": True,
            "formats": ["FS_TYPE_XFS"],
            "volume_labels": {"tier": "gold"},
        },
    }
    assert storage_policy._description(policy) == (
        'Size="10 GiB,Minimum" HA="1,Equal" Encrypted="true" Format="xfs" Labels="tier=gold" Force="true"'
    )


def test_the_row_of_a_credential():
    credential = {
        "credential_id": "id",
        "name": "backups",
        "bucket": "db",
        "encrypts": True,
        "aws_credential": {"region": "us-east-1", "endpoint": "h", "access_key": "AKIA"},
    }
    assert _row(credential, "s3") == ["id", "us-east-1", "h", "AKIA", True, "backups", "db", True]
