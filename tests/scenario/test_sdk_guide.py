"""docs/sdk.md, carried out: curl, a client made from the ``.proto`` files, and what is said of refusals."""

import json
import sys

from tests.support.guide import Reader, blocks_of
from tests.support.ports import free_port


def test_the_guide_works_as_it_is_written(tmp_path):
    reader = Reader(tmp_path)
    reader.replacements["127.0.0.1:9020"] = f"127.0.0.1:{free_port()}"
    (tmp_path / "var").mkdir()
    said = ""
    try:
        for language, text in blocks_of("sdk.md"):
            if language == "python":
                said += reader.type(f"{sys.executable} -", stdin=reader.here(text))
            elif "holdfast node" in text:
                reader.start(text, address="127.0.0.1:9021")
            else:
                said += reader.type(text)
    finally:
        reader.stop()
    assert '"version":"0.186.0"' in said
    assert said.count("vol1\n") == 1
    assert "alice\n" in said
    assert "Access denied without authentication token" in said
    assert 'method="Version",code="OK"} 1' in said
    assert json.loads((tmp_path / "openapi.json").read_text())["openapi"] == "3.1.0"
