"""Who may read a mounted volume is told what lies in it: names and sizes, never beyond it, never too much."""

import os

import pytest
from tests.support.node_under_test import new_node, release
from tests.support.sdk_face import Face

from holdfast.volumes import listing, syscalls

PATH = "/v1/volume/catalog"


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A node with a plain volume of Alice's that is mounted, and the way to ask about it."""
    made = new_node(tmp_path_factory.mktemp("lists"))
    face = Face(made)
    token = made.token("alice")
    assert face.create(format="FS_TYPE_EXT4", token=token).status == 200
    assert face("POST", "/v1/mountattach/attach", {"volume_id": "vol1"}, token=token).status == 200
    place = made.directory("mnt")
    where = {"volume_id": "vol1", "mount_path": str(place)}
    assert face("POST", "/v1/mountattach/mount", where, token=token).status == 200
    (place / "lost+found").rmdir()
    yield face, place
    face.dialect.close()
    release(made)


@pytest.fixture
def volume(shared):
    """The same, with nothing in it."""
    face, place = shared
    yield face, place
    for entry in place.iterdir():
        remove(entry)


def remove(path):
    if path.is_dir() and not path.is_symlink():
        for entry in path.iterdir():
            remove(entry)
        path.rmdir()
    else:
        path.unlink()


@pytest.fixture
def ask(volume):
    face, _ = volume

    def send(**fields):
        return face("POST", PATH, {"volume_id": "vol1", **fields}, token=face.t.token("alice"))

    return send


@pytest.fixture
def place(volume):
    return volume[1]


@pytest.fixture
def tree(place):
    (place / "logs" / "old" / "older").mkdir(parents=True)
    (place / "logs" / "today.log").write_text("12345")
    (place / "logs" / "old" / "june.log").write_text("1234567")
    (place / "readme").write_text("x")


def names(entry):
    return [child["name"] for child in entry.get("children", ())]


def test_a_listing_has_names_kinds_sizes_and_times(ask, tree, place):
    os.utime(place / "readme", (0, 1_700_000_000))
    catalog = ask().json["catalog"]
    root = catalog["root"]
    assert (root["name"], root["path"], root["type"]) == ("/", "/", "Directory")
    assert names(root) == ["logs", "readme"]
    logs, readme = root["children"]
    assert readme == {
        "name": "readme",
        "path": "/readme",
        "type": "File",
        "size": "1",
        "LastModified": "2023-11-14T22:13:20Z",
    }
    assert names(logs) == ["old", "today.log"]
    old = logs["children"][0]
    assert [child["path"] for child in old["children"]] == ["/logs/old/june.log", "/logs/old/older"]
    assert catalog["report"] == {"directories": "3", "files": "3"}
    assert "incomplete" not in catalog


def test_a_listing_begins_where_it_is_asked_to_and_goes_as_deep(ask, tree):
    catalog = ask(path="/logs", depth="1").json["catalog"]
    assert (catalog["root"]["path"], names(catalog["root"])) == ("/logs", ["old", "today.log"])
    assert names(catalog["root"]["children"][0]) == []
    assert catalog["report"] == {"directories": "1", "files": "1"}
    assert "incomplete" not in catalog  # no more was asked for
    for path in ("logs/old", "/logs/old/"):
        assert names(ask(path=path).json["catalog"]["root"]) == ["june.log", "older"]
    assert ask(path="readme").json["catalog"]["root"]["type"] == "File"


@pytest.mark.parametrize(
    ("fields", "status", "text"),
    [
        pytest.param({"path": "/../etc"}, 400, "path: expected a path in the volume", id="dots"),
        pytest.param({"path": "/logs/./old"}, 400, "path: expected a path in the volume", id="dot"),
        pytest.param({"path": "/logs//old"}, 400, "path: expected a path in the volume", id="empty-part"),
        pytest.param({"path": "/a\0b"}, 400, "path: expected a path in the volume", id="nul"),
        pytest.param({"path": "/" + "a/" * 3000}, 400, "path: expected a path in the volume", id="long"),
        pytest.param({"path": "/" + "a" * 300}, 404, "path: there is nothing", id="long-name"),
        pytest.param({"path": "/none"}, 404, "path: there is nothing", id="missing"),
        pytest.param({"path": "/readme/x"}, 404, "path: there is nothing", id="below-a-file"),
        pytest.param({"depth": "-1"}, 400, "depth: expected", id="negative-depth"),
        pytest.param({"depth": "all"}, 400, "depth: expected", id="depth-in-words"),
        pytest.param({"depth": "9" * 30}, 400, "depth: expected", id="endless-depth"),
        pytest.param({"max_entries": "-1"}, 400, "max_entries: expected", id="negative-number"),
    ],
)
def test_what_cannot_be_is_refused_by_field(ask, tree, fields, status, text):
    answer = ask(**fields)
    assert (answer.status, text in answer.json["message"]) == (status, True)


def test_links_are_named_and_never_followed(ask, place, tree, tmp_path):
    (tmp_path / "secret").write_text("canary")
    (place / "out").symlink_to(tmp_path)
    (place / "etc").symlink_to("/etc")
    (place / "up").symlink_to("../..")
    (place / "round").symlink_to(".")
    root = ask().json["catalog"]["root"]
    kinds = {child["name"]: child["type"] for child in root["children"] if "children" not in child}
    assert {name: kinds[name] for name in ("out", "etc", "up", "round")} == dict.fromkeys(
        ("out", "etc", "up", "round"), "SymbolicLink"
    )
    for path in ("/out", "/etc", "/up"):
        assert ask(path=path).json["catalog"]["root"]["type"] == "SymbolicLink"
        assert ask(path=path).json["catalog"]["root"].get("children") is None
    for path in ("/out/secret", "/etc/passwd", "/up/host", "/round/logs"):
        answer = ask(path=path)
        assert (answer.status, "no link" in answer.json["message"]) == (400, True)


def test_what_is_mounted_inside_is_not_entered(volume, ask, place):
    face, _ = volume
    bob = face.t.token("bob")
    face.create("inner", token=bob, format="FS_TYPE_EXT4")
    face("POST", "/v1/mountattach/attach", {"volume_id": "inner"}, token=bob)
    (place / "inside").mkdir()
    where = {"volume_id": "inner", "mount_path": str(place / "inside")}
    admin = face.t.admin
    assert face("POST", "/v1/mountattach/mount", where, token=admin).status == 200
    try:
        (place / "inside" / "of-bob").write_text("canary")
        root = ask().json["catalog"]["root"]
        (inside,) = root["children"]
        assert (inside["name"], inside.get("size"), names(inside)) == ("inside", None, [])
        for path in ("/inside", "/inside/of-bob"):
            answer = ask(path=path)
            assert (answer.status, "no other file system" in answer.json["message"]) == (400, True)
    finally:
        assert face("POST", "/v1/mountattach/unmount", where, token=admin).status == 200
        face("POST", "/v1/mountattach/detach", {"volume_id": "inner"}, token=bob)
        face("DELETE", "/v1/volumes/inner", token=bob)


def test_a_directory_that_becomes_a_link_while_it_is_walked_is_not_followed(ask, place, tree, monkeypatch):
    (place / "target").mkdir()
    real = listing._Walk._children
    outside = place.parent / "outside"
    outside.mkdir()
    (outside / "canary").write_text("x")

    def exchange(self, directory, parts, found):
        if parts == ("logs",):
            (place / "logs").rename(place / "gone")
            (place / "logs").symlink_to(outside)
        return real(self, directory, parts, found)

    monkeypatch.setattr(listing._Walk, "_children", exchange)
    answer = ask()
    assert answer.status == 200
    assert "canary" not in str(answer.json)


def test_a_listing_is_bounded_and_says_what_it_left_out(ask, place, monkeypatch):
    for number in range(30):
        (place / f"d{number:02}").mkdir()
        (place / f"d{number:02}" / "file").write_text("")
    whole = ask().json["catalog"]
    assert (whole["report"], "incomplete" in whole) == ({"directories": "30", "files": "30"}, False)
    some = ask(max_entries="40").json["catalog"]
    assert some["report"] == {"directories": "30", "files": "10"}  # the deepest layer is cut
    assert some["incomplete"] is True
    monkeypatch.setattr(listing, "MAX_ENTRIES", 20)
    for most in ("0", "1000"):
        cut = ask(max_entries=most).json["catalog"]
        assert (cut["report"], cut["incomplete"]) == ({"directories": "20"}, True)
    monkeypatch.setattr(listing, "MAX_ENTRIES", 1000)
    monkeypatch.setattr(listing, "MAX_PATH_BYTES", 60)
    assert len(names(ask().json["catalog"]["root"])) == 15  # of four bytes each


def test_a_deep_tree_ends_where_a_message_has_to(ask, place):
    deep = place
    for _ in range(80):
        deep /= "d"
    deep.mkdir(parents=True)
    catalog = ask().json["catalog"]
    assert (catalog["report"]["directories"], catalog["incomplete"]) == (str(listing.MAX_DEPTH), True)
    assert ask(path="/" + "/".join(["d"] * 60)).json["catalog"]["report"]["directories"] == "20"


def test_names_that_are_no_text_are_shown_all_the_same(ask, place):
    (place / os.fsdecode(b"\xff\xfe")).mkdir()
    (place / "new\nline").write_text("")
    os.mkfifo(place / "pipe")
    root = ask().json["catalog"]["root"]
    assert {child["name"]: child["type"] for child in root["children"]} == {
        "new\nline": "File",
        "pipe": "Other",
        "\ufffd\ufffd": "Directory",
    }


def test_only_who_may_read_the_volume_is_told(volume, tree):
    face, _ = volume
    bob, alice = face.t.token("bob"), face.t.token("alice")
    asked = {"volume_id": "vol1"}
    refused = face("POST", PATH, asked, token=bob)
    assert (refused.status, refused.json["details"][0]["metadata"]["gate"]) == (403, "ownership")
    assert face("POST", PATH, {"volume_id": "none"}, token=bob).status == 403
    assert face("POST", PATH, asked).status == 403
    shared = {"spec": {"ownership": {"acls": {"collaborators": {"bob": "Read"}}}}}
    assert face("PUT", "/v1/volumes/vol1", shared, token=alice).status == 200
    assert names(face("POST", PATH, asked, token=bob).json["catalog"]["root"]) == ["logs", "readme"]
    assert face("PUT", "/v1/volumes/vol1", {"spec": {"ownership": {}}}, token=alice).status == 200
    assert face("POST", PATH, asked, token=bob).status == 403


def test_a_volume_that_is_not_mounted_has_no_listing(volume):
    face, _ = volume
    face.create("vol2")
    alice = face.t.token("alice")
    answer = face("POST", PATH, {"volume_id": "vol2"}, token=alice)
    assert (answer.status, "mount it first" in answer.json["message"]) == (409, True)
    face("DELETE", "/v1/volumes/vol2", token=alice)


def test_what_is_mounted_over_a_volume_is_not_listed_in_its_place(ask, place, tree):
    syscalls.mount("tmpfs", str(place), "tmpfs", 0)
    try:
        (place / "canary").write_text("")
        answer = ask()
    finally:
        syscalls.unmount(str(place))
    assert (answer.status, "something else is mounted" in answer.json["message"]) == (409, True)
    assert names(ask().json["catalog"]["root"]) == ["logs", "readme"]
