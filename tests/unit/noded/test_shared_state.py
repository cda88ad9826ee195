"""Where a cluster's state and data are is said once, checked before anything starts, and holds no secret."""

import fcntl
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from holdfast.clock import ManualClock
from holdfast.errors import ConflictError, InvalidInputError, UnsupportedError
from holdfast.noded.assembly import open_node
from holdfast.noded.config import read_config
from holdfast.noded.node_identity import NAME, read_node_identity
from holdfast.noded.options import NodeOptions
from holdfast.noded.state import check_name, open_state, read_options, read_state_settings
from holdfast.volumes import pool_identity
from holdfast.volumes.pool_identity import open_pool

KEYS = {"PORTWORX_AUTH_JWT_SHAREDSECRET": "0123456789abcdef" * 4}


@pytest.mark.parametrize(
    ("url", "kind", "options"),
    [
        pytest.param("", "file", {}, id="embedded"),
        pytest.param(
            "zk://a:2181,b:2181",
            "zookeeper",
            {"address": "a:2181,b:2181", "path": "/holdfast-node"},
            id="zookeeper",
        ),
        pytest.param(
            "zookeeper://a:2181/one/two",
            "zookeeper",
            {"address": "a:2181", "path": "/one/two"},
            id="zookeeper-with-a-znode",
        ),
        pytest.param(
            "postgres://node@db/holdfast",
            "postgresql",
            {"connection_url": "postgres://node@db/holdfast", "table": "holdfast.node"},
            id="postgresql",
        ),
    ],
)
def test_a_url_names_the_engine(url, kind, options):
    settings = read_state_settings(url, {}, is_argument=True)
    assert (settings.kind, settings.options) == (kind, options)


def test_options_are_those_of_the_engine_and_win():
    options = read_options(("auth_info_file=/run/zk", "path=/mine"))
    settings = read_state_settings("zk://a:2181", options, is_argument=True)
    assert settings.options == {"address": "a:2181", "path": "/mine", "auth_info_file": "/run/zk"}


@pytest.mark.parametrize("url", ["etcd://a:2379", "etcd:http://a:2379", "consul:http://a", "a:2181", "zk:a"])
def test_other_engines_are_refused_with_what_is_offered(url):
    with pytest.raises(UnsupportedError, match="zk://"):
        read_state_settings(url, {}, is_argument=True)


@pytest.mark.parametrize(
    "url",
    ["postgres://node:s3cret@db/holdfast", "postgres://node@db/holdfast?password=s3cret", "postgres://[/x"],
)
def test_a_password_on_the_command_line_is_refused_and_not_repeated(url):
    with pytest.raises(InvalidInputError, match="password_file") as refused:
        read_state_settings(url, {}, is_argument=True)
    assert "s3cret" not in str(refused.value)


def test_a_password_in_the_configuration_file_is_the_files_matter():
    url = "postgres://node:s3cret@db/holdfast"
    settings = read_state_settings(url, {}, is_argument=False)
    assert settings.options["connection_url"] == url
    assert "s3cret" not in repr(settings)


@pytest.mark.parametrize("text", ["", "x", "=x", "auth_info=digest:a:b"])
def test_an_option_that_is_none_or_a_secret_is_refused(text):
    with pytest.raises(InvalidInputError, match="--kvdb-option"):
        read_options((text,))


@pytest.mark.parametrize("name", ["", "a/b", ".", "-a", "a b", "x" * 129, "ä"])
def test_names_that_could_leave_their_place_are_refused(name):
    with pytest.raises(InvalidInputError, match="-c:"):
        check_name(name, option="-c")


def test_the_engines_own_options_are_checked_when_it_is_opened(tmp_path):
    settings = read_state_settings("zk://a:2181", {}, is_argument=True)
    with pytest.raises(InvalidInputError, match="auth_info_file or sasl_user is required"):
        open_state(settings, tmp_path, cluster_id="one", clock=ManualClock())


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ({"kvdb_options": ("path=/x",)}, "--kvdb-option: expected -k"),
        ({"attach_lease": "1"}, "--attach-lease"),
        ({"attach_lease": "soon"}, "--attach-lease"),
        ({"security": "maybe"}, "--security: expected on or off"),
        ({"security": "off"}, "--security off: expected no key"),
        ({"advertise": "node1"}, "--advertise"),
        ({"advertise": "https://node1"}, "--advertise"),
        ({"kvdb": "zk://a:2181", "cluster_id": "a/b"}, "-c: expected"),
        ({"kvdb": "zk://a:2181", "node_id": "a b"}, "--node-id: expected"),
    ],
)
def test_a_setting_that_cannot_be_is_named(tmp_path, said, named):
    options = NodeOptions(storage=str(tmp_path), config=_no_file(tmp_path), **said)
    with pytest.raises(InvalidInputError) as refused:
        read_config(options, KEYS)
    assert named in refused.value.message


def test_a_pool_is_shared_only_where_the_state_is(tmp_path):
    def read(**said):
        return read_config(NodeOptions(storage=str(tmp_path), config=_no_file(tmp_path), **said), KEYS)

    assert not read().pool_is_shared
    assert not read(pool="/pool").pool_is_shared
    assert not read(kvdb="zk://a:2181", node_id="a").pool_is_shared
    assert read(kvdb="zk://a:2181", node_id="a", pool="/pool").pool_is_shared
    assert read().pool == tmp_path / "volumes"


def test_the_configuration_file_says_it_too(tmp_path):
    file = tmp_path / "config.json"
    file.write_text(
        '{"clusterid": "one", "kvdb": ["etcd:http://old:2379", "zk://a:2181/x"],'
        ' "kvdb_options": {"auth_info_file": "/run/zk"}}'
    )
    config = read_config(NodeOptions(storage=str(tmp_path), config=str(file), node_id="a"), KEYS)
    assert config.state.options == {"address": "a:2181", "path": "/x", "auth_info_file": "/run/zk"}
    file.write_text('{"kvdb": ["zk://a:2181", "zk://b:2181"]}')
    with pytest.raises(InvalidInputError, match="kvdb: expected one engine"):
        read_config(NodeOptions(storage=str(tmp_path), config=str(file)), KEYS)


def test_a_pool_belongs_to_one_cluster_and_keeps_its_identity(tmp_path):
    with open_pool(tmp_path, cluster="one", shared=True) as first:
        pass
    with open_pool(tmp_path, cluster="one", shared=False) as second:
        assert second == first
    with (
        pytest.raises(ConflictError, match="another cluster"),
        open_pool(tmp_path, cluster="two", shared=True),
    ):
        pass


def test_a_pool_has_one_user_or_several_that_share_their_state(tmp_path):
    with open_pool(tmp_path, cluster="one", shared=True):
        with open_pool(tmp_path, cluster="one", shared=True):
            pass
        with (
            pytest.raises(ConflictError, match="another node uses"),
            open_pool(tmp_path, cluster="one", shared=False),
        ):
            pass


def test_a_node_that_shares_a_pool_waits_for_one_that_is_making_it(tmp_path, monkeypatch):
    """The disk may take its time; only who wants the pool for himself is soon told that he cannot have it."""
    monkeypatch.setattr(pool_identity, "_PATIENCE_SECONDS", 0.05)
    with open_pool(tmp_path, cluster="one", shared=True) as made:
        pass
    with (tmp_path / ".holdfast-pool").open() as making:
        fcntl.flock(making, fcntl.LOCK_EX)
        with (
            pytest.raises(ConflictError, match="another node uses"),
            open_pool(tmp_path, cluster="one", shared=False),
        ):
            pass
        done = threading.Timer(0.3, fcntl.flock, (making, fcntl.LOCK_UN))
        done.start()
        with open_pool(tmp_path, cluster="one", shared=True) as found:
            assert found == made
        done.join()


def test_a_node_that_saw_a_pool_unmade_shares_what_another_made_of_it(tmp_path, monkeypatch):
    looked, read = threading.Event(), pool_identity._read

    def look(descriptor):
        found = read(descriptor)
        if found is None:
            looked.set()
        return found

    def enter():
        with open_pool(tmp_path, cluster="one", shared=True) as found:
            return found

    monkeypatch.setattr(pool_identity, "_read", look)
    with (tmp_path / ".holdfast-pool").open("wb", buffering=0) as other, ThreadPoolExecutor(1) as thread:
        fcntl.flock(other, fcntl.LOCK_EX)
        entering = thread.submit(enter)
        assert looked.wait(60)
        other.write(b'{"id":"of the other","cluster":"one"}')
        fcntl.flock(other, fcntl.LOCK_SH)  # for as long as it runs
        assert entering.result(60).id == "of the other"


def test_a_file_that_is_not_ours_is_left_alone(tmp_path):
    (tmp_path / ".holdfast-pool").write_text("something else")
    with (
        pytest.raises(InvalidInputError, match="not a file of ours"),
        open_pool(tmp_path, cluster="one", shared=True),
    ):
        pass
    assert (tmp_path / ".holdfast-pool").read_text() == "something else"


def test_a_directory_is_one_node_for_good(tmp_path):
    first = read_node_identity(tmp_path)
    assert read_node_identity(tmp_path) == first
    (tmp_path / NAME).write_text("x")
    with pytest.raises(InvalidInputError, match=NAME):
        read_node_identity(tmp_path)


def test_a_disk_or_file_in_place_of_the_directory_is_told_what_to_do(tmp_path):
    (tmp_path / "disk").touch()
    config = read_config(NodeOptions(config=_no_file(tmp_path), storage=str(tmp_path / "disk")), KEYS)
    with (
        pytest.raises(InvalidInputError, match=r"expected a directory.*make a file system on it"),
        open_node(config, backend="auto"),
    ):
        pass


def _no_file(directory):
    file = directory / "empty.json"
    file.write_text("{}")
    return str(file)
