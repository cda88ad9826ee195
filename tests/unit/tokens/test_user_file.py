"""User files: what an administrator writes, and every slip that must not go unnoticed."""

import pytest

from holdfast.errors import InvalidInputError, TooLargeError
from holdfast.tokens.user_file import MAX_FILE_BYTES, User, read_user_file

ADMINISTRATOR = b"""
name: Storage Administrator
email: the email of the storage admin
sub: ${uuid} or email of the storage admin
roles: ["system.admin"]
groups: ["*"]
"""


def test_the_administrator_file_of_the_manual_is_read():
    assert read_user_file(ADMINISTRATOR) == User(
        name="Storage Administrator",
        email="the email of the storage admin",
        sub="${uuid} or email of the storage admin",
        roles=("system.admin",),
        groups=("*",),
    )


@pytest.mark.parametrize(
    ("content", "user"),
    [
        pytest.param(b"sub: alice", User(sub="alice"), id="only-a-subject"),
        pytest.param(b"sub: alice\nroles:\n- a\n- b\n", User(sub="alice", roles=("a", "b")), id="block-list"),
        pytest.param(b"sub: alice\ngroups:\n", User(sub="alice"), id="empty-key-is-left-out"),
        pytest.param(b'{"sub": "alice"}', User(sub="alice"), id="json"),
        pytest.param("sub: Алиса".encode(), User(sub="Алиса"), id="not-ascii"),
        pytest.param(b'sub: "12345"', User(sub="12345"), id="quoted-number"),
    ],
)
def test_short_files_are_read(content: bytes, user: User):
    assert read_user_file(content) == user


def test_a_missing_subject_is_derived_from_name_and_email():
    user = read_user_file(b"name: Alice\nemail: alice@example.com\n")

    assert user.subject == "b3BlbnN0b3JhZ2UuaW8vQWxpY2UvYWxpY2VAZXhhbXBsZS5jb20="


def test_a_given_subject_is_kept():
    assert User(name="Alice", email="alice@example.com", sub="alice").subject == "alice"


@pytest.mark.parametrize(
    ("content", "names"),
    [
        pytest.param(b"", "expected keys", id="empty"),
        pytest.param(b"just text", "expected keys", id="text"),
        pytest.param(b"- name: Alice", "expected keys", id="list"),
        pytest.param(b"{}", "expected sub", id="nobody"),
        pytest.param(b"roles: [system.admin]", "expected sub", id="roles-for-nobody"),
        pytest.param(b"sub: a\ngroup: [dev]", "'group'", id="misspelt-key"),
        pytest.param(b"sub: a\nissuer: evil.example", "'issuer'", id="issuer-does-not-come-from-here"),
        pytest.param(b"sub: a\nSub: b", "'Sub'", id="capital-key"),
        pytest.param(b"sub: a\n? [x]\n: y", "line 2", id="list-as-a-key"),
        pytest.param(b"sub: a\nsub: b", "twice", id="duplicate-key"),
        pytest.param(b"sub: 12345", "quotes", id="number-for-text"),
        pytest.param(b"sub: 2024-01-01", "quotes", id="date-for-text"),
        pytest.param(b"name: yes\nsub: a", "quotes", id="boolean-for-text"),
        pytest.param(b"sub: a\nroles: system.admin", "roles", id="text-for-a-list"),
        pytest.param(b"sub: a\nroles: [[x]]", "roles", id="nested-list"),
        pytest.param(b"sub: a\nroles: [1]", "roles", id="number-in-a-list"),
        pytest.param(b'sub: "a\\nb"', "control", id="newline-in-the-subject"),
        pytest.param(b'sub: a\nroles: ["x\\0"]', "control", id="nul-in-a-role"),
        pytest.param(b"sub: [a", "not valid YAML at line", id="unfinished"),
        pytest.param(b"sub: a\n\tname: b", "not valid YAML at line 2", id="tab"),
        pytest.param(b"sub: a\n---\nsub: b", "not valid YAML", id="two-documents"),
        pytest.param(b"sub: \xff\xfe", "not valid YAML", id="not-utf-8"),
        pytest.param(b"sub: a\x00", "not valid YAML", id="nul"),
        pytest.param(b"sub: !!python/object/apply:os.system [id]", "not valid YAML", id="code"),
        pytest.param(b"sub: 0x" + b"f" * 5000, "quotes", id="huge-number"),
        pytest.param(b"sub: " + b"1" * 5000, "not valid YAML", id="huge-decimal"),
        pytest.param(b"sub: " + b"[" * 5000, "nested too deep", id="deep"),
        pytest.param(b"sub: a\nroles: &r [*r]", "roles", id="list-within-itself"),
    ],
)
def test_a_slip_is_an_error_that_names_it(content: bytes, names: str):
    with pytest.raises(InvalidInputError, match=names):
        read_user_file(content)


def test_who_asks_for_it_is_told_of_keys_that_have_no_effect():
    notes = []
    user = read_user_file(b"sub: a\nissuer: evil.example\ngroup: [dev]\n", note=notes.append)

    assert user == User(sub="a")
    assert [note.partition(";")[0] for note in notes] == [
        "user file: unknown key 'group'",
        "user file: unknown key 'issuer'",
    ]


def test_aliases_cannot_blow_a_small_file_up():
    levels = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]\n" for n in range(1, 30))

    with pytest.raises(InvalidInputError, match="unknown key"):
        read_user_file(f"sub: a\nl0: &l0 [x]\n{levels}".encode())


def test_a_huge_file_is_refused_unread():
    with pytest.raises(TooLargeError):
        read_user_file(b"#" * (MAX_FILE_BYTES + 1))


@pytest.mark.parametrize(
    "content",
    [
        b"sub: 12345678901234",
        b"name: [canary]\nsub: a",
        b"sub: a\nroles: {canary: 1}",
        b"sub: 'canary",
        b"canary",
    ],
)
def test_errors_never_repeat_the_content(content: bytes):
    with pytest.raises(InvalidInputError) as refusal:
        read_user_file(content)

    shown = f"{refusal.value!r} {refusal.value.__context__!r}"
    assert "canary" not in shown
    assert "12345678901234" not in shown
