"""What an operator names on the host is looked at before the node serves; refusals name the option."""

import pytest

from holdfast.errors import InvalidInputError
from holdfast.noded.config import read_config
from holdfast.noded.host_files import open_audit_log
from holdfast.noded.options import NodeOptions
from holdfast.noded.process import _check_ready_file


def refused(action) -> str:
    with pytest.raises(InvalidInputError) as caught:
        action()
    return caught.value.message


def configured(tmp_path, **options):
    config = tmp_path / "config.json"
    config.write_text("{}")
    environment = {"PORTWORX_AUTH_JWT_SHAREDSECRET": "s" * 40}
    return lambda: read_config(NodeOptions(config=str(config), **options), environment)


def test_a_mount_root_is_a_directory_that_is_there(tmp_path):
    missing, file = tmp_path / "missing", tmp_path / "config.json"
    assert refused(configured(tmp_path, mount_roots=(str(tmp_path), str(missing)))) == (
        f"--mount-root {missing}: expected a directory; make it first"
    )
    assert refused(configured(tmp_path, mount_roots=(str(file),))).startswith(
        f"--mount-root {file}: expected"
    )
    assert "Not a directory" in refused(configured(tmp_path, mount_roots=(f"{file}/below",)))
    assert configured(tmp_path, mount_roots=(str(tmp_path),))().settings.host_roots == (str(tmp_path),)


def test_authorities_are_read_before_anybody_needs_them(tmp_path):
    empty = tmp_path / "empty.pem"
    empty.touch()
    for path in (tmp_path, tmp_path / "missing", empty):
        assert refused(configured(tmp_path, pair_ca=str(path))).startswith(
            "--pair-ca: expected a readable PEM"
        )
        assert refused(configured(tmp_path, cloud_ca=str(path))).startswith(
            "--cloud-ca: expected a readable PEM"
        )


def test_the_file_of_a_configuration_is_called_by_its_option(tmp_path):
    said = refused(lambda: read_config(NodeOptions(config=str(tmp_path)), {}))
    assert said == f"--config {tmp_path}: cannot be read (Is a directory)"


def test_an_audit_log_that_cannot_be_one_is_told_with_the_reason(tmp_path):
    (tmp_path / "directory").mkdir(mode=0o700)
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    (tmp_path / "link").symlink_to("elsewhere")
    for name, reason in (
        ("directory", "cannot be opened (Is a directory)"),
        ("none/audit.log", "cannot be opened (No such file or directory)"),
        ("link", "cannot be opened (Too many levels of symbolic links)"),
        ("open/audit.log", "audit directory: expected one that only its owner can write to"),
    ):
        path = tmp_path / name
        assert refused(lambda path=path: open_audit_log(path)) == f"--audit-log {path}: {reason}"
    open_audit_log(tmp_path / "audit.log").close()


def test_a_ready_file_has_a_directory_to_be_in(tmp_path):
    said = refused(lambda: _check_ready_file(tmp_path / "none" / "ready.json"))
    assert said == f"--ready-file in {tmp_path / 'none'}: expected a directory; make it first"
    _check_ready_file(tmp_path / "ready.json")
