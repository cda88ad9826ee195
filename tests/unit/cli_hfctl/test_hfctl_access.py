"""Access is typed the way users of pxctl type it, shown in the layout that they know, and never guessed."""

import pytest

from holdfast.cli.errors import UsageError
from holdfast.cli.hfctl.access import for_programs, layout, parse_entries


@pytest.mark.parametrize(
    ("texts", "entries"),
    [
        pytest.param(["bob"], {"bob": "Read"}, id="no-suffix-is-read"),
        pytest.param(["bob:r"], {"bob": "Read"}, id="r"),
        pytest.param(["bob:w"], {"bob": "Write"}, id="w"),
        pytest.param(["bob:a"], {"bob": "Admin"}, id="a"),
        pytest.param(["bob:Admin"], {"bob": "Admin"}, id="in-full"),
        pytest.param(["dev:r,ops:w"], {"dev": "Read", "ops": "Write"}, id="several"),
        pytest.param(["dev:r", "ops"], {"dev": "Read", "ops": "Read"}, id="repeated"),
        pytest.param(["oidc:bob:w"], {"oidc:bob": "Write"}, id="name-with-a-colon"),
        pytest.param(["*:r"], {"*": "Read"}, id="any"),
        pytest.param([""], {}, id="nobody"),
    ],
)
def test_entries(texts, entries):
    assert parse_entries(texts, "--group") == entries


@pytest.mark.parametrize(
    "texts",
    [
        pytest.param(["bob:x"], id="unknown-type"),
        pytest.param(["bob:"], id="empty-type"),
        pytest.param([":r"], id="no-name"),
        pytest.param([" :r"], id="blank-name"),
        pytest.param(["bob:rw"], id="two-types"),
        pytest.param(["bob:r", "bob:w"], id="twice"),
    ],
)
def test_entries_refused(texts):
    with pytest.raises(UsageError, match="--group"):
        parse_entries(texts, "--group")


def test_the_layout_of_the_manual():
    ownership = {
        "owner": "alice",
        "acls": {
            "groups": {"ops": "Write", "dev": "Read"},
            "collaborators": {"bob": "Admin"},
            "public": {},
        },
    }
    assert "\n".join(layout("Storage Policy", "gold", ownership)) == (
        "Storage Policy:  gold\n"
        "    Ownership:\n"
        "        Owner:  alice\n"
        "        Acls:\n"
        "            Groups:\n"
        "                dev  Read\n"
        "                ops  Write\n"
        "            Collaborators:\n"
        "                bob  Admin\n"
        "            Public:  Read"
    )


def test_what_programs_are_told_names_reading_too():
    public = {"owner": "alice", "acls": {"public": {}, "groups": {"dev": "Read"}}}
    assert for_programs(public)["acls"] == {"public": {"type": "Read"}, "groups": {"dev": "Read"}}
    assert for_programs({"acls": {"public": {"type": "Write"}}}) == {"acls": {"public": {"type": "Write"}}}
    assert for_programs({"owner": "alice"}) == {"owner": "alice"}


def test_what_belongs_to_nobody():
    assert list(layout("Volume", "old", {}))[2] == "        Owner:  nobody"


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(("add", "v"), id="nobody-to-add"),
        pytest.param(("add", "v", "--public", "canary"), id="no-type"),
        pytest.param(("remove", "v"), id="nobody-to-remove"),
        pytest.param(("update", "v"), id="nothing-to-update"),
        pytest.param(("update", "v", "--owner", ""), id="nobody-as-owner"),
        pytest.param(("update", "v", "--owner", " ", "--groups", "canary:r"), id="a-blank-as-owner"),
        pytest.param(("show",), id="no-volume"),
    ],
)
def test_mistakes_reach_no_node(hfctl, words):
    code, _, err = hfctl("volume", "access", *words)
    assert (code, "canary" in err) == (1, False)
    assert "expected" in err or "required" in err


@pytest.mark.parametrize(
    "words",
    [
        pytest.param((), id="nothing"),
        pytest.param(("--ip=127.0.0.1",), id="no-token"),
        pytest.param(("--ip=127.0.0.1", "--token=canary", "--token-file=x"), id="two-tokens"),
        pytest.param(("--ip=127.0.0.1", "--token-file=/none"), id="no-file"),
        pytest.param(("--ip=127.0.0.1", "--token=canary", "--port=0"), id="no-port"),
        pytest.param(("--ip=127.0.0.1", "--token=canary", "--mode=canary"), id="no-mode"),
    ],
)
def test_a_pair_needs_to_know_the_other_cluster(hfctl, words):
    code, out, err = hfctl("cluster", "pair", "create", *words)
    assert (code, "canary" in out + err) == (1, False)
