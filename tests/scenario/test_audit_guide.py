"""docs/audit.md, carried out: a store with every device of the guide, and receivers for them."""

from tests.support.guide import Reader, blocks_of
from tests.support.receivers import DatagramReceiver, StreamReceiver, eventually
from tests.support.store_process import StoreProcess

PASSWORD = "correct-horse-90d1"


def test_the_guide_works_as_it_is_written(tmp_path):
    for place in ("store", "work", "log"):
        (tmp_path / place).mkdir(mode=0o700)
    (tmp_path / "work" / "password").write_text(PASSWORD)
    blocks = blocks_of("audit.md")
    reader = Reader(tmp_path / "work")
    with (
        DatagramReceiver(tmp_path / "devlog") as journal,
        StreamReceiver() as collector,
        StreamReceiver() as other,
    ):
        reader.replacements |= {
            "/var/log/holdfast": str(tmp_path / "log"),
            "127.0.0.1:5140": collector.text,
            "127.0.0.1:5141": other.text,
            'facility = "AUTH"': f'facility = "AUTH"\n    address = "{tmp_path / "devlog"}"',
        }
        configuration = "\n".join(reader.here(text) for language, text in blocks if language == "hcl")
        with StoreProcess(tmp_path / "store", settings=configuration) as store:
            store.initialize()
            reader.environment |= {"HOLDFAST_ADDR": store.url, "HOLDFAST_TOKEN": store.root_token}
            printed = [reader.type(text, stdin=PASSWORD) for language, text in blocks if language == "sh"]
            assert any("well" in text and "collector/" in text for text in printed)
            assert any("hmac-sha256:" in text for text in printed)
            check_lines(reader, tmp_path, journal, collector)
    assert b'"sys/audit/test"' in other.capture


def check_lines(reader, tmp_path, journal, collector):
    """What receivers wrote down can be verified as the guide says; what may be in clear is, nothing else."""
    main = (tmp_path / "log" / "audit.log").read_bytes()
    eventually(lambda: len(collector.lines) >= main.count(b"\n") - 1)
    (tmp_path / "work" / "captured").write_bytes(bytes(collector.capture))
    (tmp_path / "work" / "journal").write_bytes(b"\n".join(journal.datagrams) + b"\n")
    reader.type("holdfast audit verify -device=collector captured")
    reader.type("holdfast audit verify -device=journal -syslog journal")
    for text in (main, bytes(collector.capture), b"".join(journal.datagrams)):
        assert b"OPS-4711" in text
        assert PASSWORD.encode() not in text
    assert (tmp_path / "log" / "second.log").read_bytes().count(b"\n") > 1
