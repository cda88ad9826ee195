"""docs/credentials.md, carried out: every block in order, against a real node and a real S3 service."""

import pytest
from tests.support.guide import Reader, blocks_of
from tests.support.s3_service import s3_service
from tests.support.security_of_guide import make_keys_and_contexts

PASSPHRASE = "canary-passphrase-of-backups"


@pytest.fixture
def service():
    with s3_service() as running:
        yield running


@pytest.fixture
def reader(tmp_path, service):
    someone = Reader(tmp_path)
    someone.environment["HOLDFAST_NODE"] = someone.here("http://127.0.0.1:9021")
    someone.replacements["127.0.0.1:9000"] = service.endpoint
    for name, text in (
        ("access-key", service.owner.access_key),
        ("secret-key", service.owner.secret_key),
        ("passphrase", PASSPHRASE),
    ):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o600)
    make_keys_and_contexts(someone)
    yield someone
    someone.stop()


def test_the_guide_works_as_it_is_written(reader, service):
    blocks, said = blocks_of("credentials.md"), ""
    assert len(blocks) >= 6
    for _, text in blocks:
        if "holdfast node" in text:
            more = " --listen 127.0.0.1:9021 --disable-mlock"
            reader.start(text.rstrip() + more, address="127.0.0.1:9021")
        else:
            said += reader.type(text)
    assert said.count("Credentials created successfully, UUID:") == 2
    assert said.count("Credential validated successfully") == 2
    assert said.count("Credential deleted successfully") == 2
    assert "S3 Credentials" in said
    assert "team  Read" in said
    for refused in ("delete backups", "inspect backups"):
        reader.type(f"hfctl credentials {refused} --context bob && exit 1 || test $? = 2")
    log = "".join(path.read_text() for path in reader.directory.glob("service-*.log"))
    for secret in (service.owner.secret_key, PASSPHRASE):
        assert secret not in said + log
