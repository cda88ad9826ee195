"""A list of files is read by a person: whoever chose the names in a volume writes no rows of his own."""

from holdfast.cli.hfctl.volume_catalog import HEADER, _row
from holdfast.cli.output import print_table

FORGED = "/a\n/etc/shadow    File    1 KiB    2030-01-01T00:00:00Z\x1b[8m"


def test_a_name_stays_in_its_row(capsys):
    entry = {"path": FORGED, "type": "File", "size": "1", "LastModified": "2030-01-02T00:00:00Z"}
    print_table(HEADER, [_row(entry)])
    *heading, row = capsys.readouterr().out.splitlines()
    assert len(heading) == 2
    assert row.startswith("/a\\n/etc/shadow")
    assert "\\x1b[8m" in row
