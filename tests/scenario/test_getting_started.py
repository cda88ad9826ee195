"""docs/getting-started.md, carried out: every block in order, on a real store and a real storage node."""

import re
import sys

import pytest
from tests.support.guide import Reader, blocks_of


@pytest.fixture
def reader(tmp_path):
    someone = Reader(tmp_path)
    for name in ("password.txt", "new-password.txt", "api-key.txt"):
        (tmp_path / name).write_text(name)
    yield someone
    someone.stop()


def test_the_guide_works_as_it_is_written(reader):
    blocks = blocks_of("getting-started.md")
    assert len(blocks) >= 10
    shares, root = [], ""
    for language, text in blocks:
        if language == "hcl":
            (reader.directory / "config.hcl").write_text(reader.here(text))
        elif language == "python":
            token = reader.type("holdfast token create -policy=team -field=token")
            reader.type(f"{sys.executable} -", stdin=reader.here(text).replace("hvs....", token))
        elif "holdfast server" in text:
            reader.start(text, address="127.0.0.1:8200")
        elif "holdfast node" in text:
            more = " --listen 127.0.0.1:9021 --mount-root /mnt --disable-mlock"
            reader.start(text.rstrip() + more, address="127.0.0.1:9021")
        elif "operator init" in text:
            printed = reader.type(text)
            shares = re.findall(r"Unseal Key \d: (.+)", printed)
            root = re.search(r"Root Token: (.+)", printed)[1]
        elif "operator unseal" in text:
            for share in shares[:2]:
                reader.type("holdfast operator unseal", stdin=share)
            reader.type(text, stdin=shares[2])
        elif "operator seal" in text:
            seal, rotate = text.splitlines()
            reader.type(f"{rotate}\n{seal}")
        else:
            reader.type(text, stdin=root if "holdfast login" in text else "")
