"""docs/vault.md, carried out: every block in order, on a real store; and its table leaves no command out."""

import re

from tests.support.guide import DOCS, Reader, blocks_of
from tests.support.store_process import StoreProcess

from holdfast.cli.holdfast.commands import PROGRAM
from holdfast.cli.program import Group

# Commands that have pages of their own, or are no part of Vault's.
ELSEWHERE = {"completion", "demo", "exec", "export", "import", "node", "security", "server"}
PAGES = {"kv": "kv.md", "audit": "audit.md", "namespace": "namespaces.md"}


def test_the_guide_works_as_it_is_written(tmp_path):
    (tmp_path / "store").mkdir()
    (tmp_path / "work").mkdir()
    with StoreProcess(tmp_path / "store", workers=1) as store:
        store.initialize(shares=1, threshold=1)
        reader = Reader(tmp_path / "work")
        reader.replacements["127.0.0.1:8200"] = f"127.0.0.1:{store.port}"
        # What `holdfast login` would have left, and what the guide has people export.
        token_file = tmp_path / "work" / ".holdfast-token"
        token_file.touch(mode=0o600)
        token_file.write_text(store.root_token)
        reader.replacements["$(holdfast print token)"] = store.root_token
        printed = {text: reader.type(text) for language, text in blocks_of("vault.md") if language == "sh"}
    assert len(printed) == 7
    shown = "\n".join(printed.values())
    assert "\nread\n" in shown  # of the token's capabilities
    assert '-H "X-Vault-Token: $(holdfast print token)"' in shown
    assert 'path "sys/seal" {\n  capabilities = ["create", "update", "sudo"]\n}' in shown
    assert "## WRITE" in shown
    assert "max_leases" in shown
    assert "holdfast_requests_total{" in shown
    assert (tmp_path / "work" / "team.hcl").read_text() == (
        'path "secret/data/team/*" {\n  capabilities = ["read"]\n}\n'
    )


def test_the_table_of_commands_leaves_none_out():
    text = (DOCS / "vault.md").read_text(encoding="utf-8")
    said = set(re.findall(r"`([a-z][a-z -]*)`", text))
    for word, entry in PROGRAM.root.commands.items():
        if word in ELSEWHERE:
            continue
        if not isinstance(entry, Group):
            assert word in said, word
        elif word in PAGES:
            assert f"]({PAGES[word]})" in text
        else:
            for name in entry.commands:
                assert f"{word} {name}" in said or (word, name) in {("auth", "login"), ("auth", "logout")}
