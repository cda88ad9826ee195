"""docs/dcos.md, carried out: every block in order, on a store that opens itself, with the real gpg."""

import pytest
from tests.support.guide import Reader, blocks_of


@pytest.fixture
def reader(tmp_path):
    someone = Reader(tmp_path)
    yield someone
    if "GNUPGHOME" in someone.environment:
        someone.type("gpgconf --kill all")
    someone.stop()


def test_the_guide_works_as_it_is_written(reader):
    blocks = blocks_of("dcos.md")
    assert len(blocks) >= 9
    for language, text in blocks:
        if language == "hcl":
            (reader.directory / "config.hcl").write_text(reader.here(text))
        elif "holdfast server" in text:
            *preparations, start = text.splitlines()
            reader.type("\n".join(preparations))
            reader.start(start, address="127.0.0.1:8200")
        else:
            reader.type(text)
    # The new holders are both needed: the store that opened itself does so no more.
    reader.type("holdfast security cluster secret-store seal default")
    with pytest.raises(AssertionError, match="unseal"):
        reader.type("holdfast security cluster secret-store auto-unseal default")
    for number in range(2):
        reader.type(
            "curl -s $HOLDFAST_ADDR/secrets/v1/init/default | python3 -c 'import json, sys; "
            f'sys.stdout.buffer.write(bytes.fromhex(json.load(sys.stdin)["keys"][{number}]))\' | '
            "gpg --batch --quiet --decrypt | holdfast security cluster secret-store unseal default -"
        )
    assert reader.type("holdfast security secrets get team/db/password") == "correct horse"
