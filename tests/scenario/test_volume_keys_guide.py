"""docs/volume-keys.md, carried out: every block in order, on a real storage node; and the worst day."""

import pytest
from tests.support.guide import Reader, blocks_of
from tests.support.security_of_guide import NODE, make_keys_and_contexts


@pytest.fixture
def reader(tmp_path):
    someone = Reader(tmp_path)
    someone.environment["HOLDFAST_NODE"] = someone.here("http://127.0.0.1:9021")
    make_keys_and_contexts(someone)
    someone.start(NODE, address="127.0.0.1:9021")
    yield someone
    someone.stop()


def test_the_guide_works_as_it_is_written(reader):
    said = ""
    for language, text in blocks_of("volume-keys.md"):
        assert language == "sh"
        said += reader.type(text)
    for line in (
        "Volume diary now uses holdfast/volumes/",
        "Cluster secret key is now cluster-key version 2 (file, cluster); 1 volume(s) moved",
        "Cluster secret key is now cluster-key version 2 (file, cluster); 0 volume(s) moved",
        "2 encrypted volume(s) examined, 0 of them need attention.",
        "Recovery key written to diary.recovery",
        "Recovery key removed",
        "Volume data re-encrypted",
        "not under way",
        "Crypto-erased: 1 keyslot(s) destroyed.",
        "Its own key was destroyed in the secrets provider.",
    ):
        assert line in said, line


def test_the_worst_day(reader):
    """The key is lost with the provider: the doctor says so, and the recovery key is the only way back."""
    secrets = "/var/lib/holdfast/secrets"
    reader.type("hfctl secrets set-cluster-key --secret cluster-key --generate --context admin")
    reader.type("hfctl volume create one --size 8M --secure")
    said = reader.type(
        "hfctl volume key recovery add one --output-file absent/one.key 2>&1 || echo ended with $?"
    )
    assert "expected a file in a directory that you may write to\nended with 1" in said  # and none is made
    reader.type("hfctl volume key recovery add one --output-file one.key")
    said = reader.type("hfctl volume key recovery add two --output-file one.key 2>&1 || echo ended with $?")
    assert "expected the name of a new file; something of that name is there\nended with 1" in said
    assert reader.type("stat -c %a one.key") == "600\n"
    said = reader.type("hfctl volume key recovery add one 2>&1 || echo ended with $?")
    assert "has a recovery key already; remove that one first" in said
    assert "ended with 2" in said
    reader.type(f"mkdir lost; mv {secrets}/* lost")
    said = reader.type("hfctl volume key doctor one || echo ended with $?")
    assert "No Secret Data found for Secret ID" in said
    assert "missing: bring the secret back in the provider" in said
    assert "1 encrypted volume(s) examined, 1 of them need attention.\nended with 2" in said
    reader.type("hfctl secrets set-cluster-key --secret second --generate --overwrite --context admin")
    said = reader.type("echo not-the-key | hfctl volume key recovery use one 2>&1 || echo ended with $?")
    assert "no keyslot of the volume opens with this key" in said
    assert "ended with 2" in said
    said = reader.type("hfctl volume key recovery use one < one.key; hfctl volume key doctor one")
    assert "Volume one now uses second version 1 (file, cluster)" in said
    assert "examined, 0 of them need attention" in said
    # A recovery key goes with the volume key that it was for.
    assert "Its recovery key opens it no longer" in reader.type("hfctl volume reencrypt one 2>&1")
    assert "The volume has no recovery key" in reader.type("hfctl volume key recovery remove one")
