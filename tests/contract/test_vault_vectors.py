"""Vectors of the original's formats: field, shares, sealed entries, hashes and hidden tokens."""

import base64
import hashlib
import json
from itertools import combinations
from pathlib import Path

import pytest

from holdfast.audit import ValueHasher
from holdfast.barrier import parse_share
from holdfast.crypto import shamir
from holdfast.crypto.aead import Aead, NotAuthenticError
from holdfast.crypto.mac import PreparedHmac
from holdfast.store.ceremonies.root_generation import hide_token

SALT = b"6f3b0d5e-0c3b-4d4b-9a43-2d1f0f6a1c77"
VECTORS = Path(__file__).parents[1] / "vectors"
KNOWN = json.loads((VECTORS / "shamir_known_polynomial.json").read_text())
PRINTED = json.loads((VECTORS / "shamir_vault_shares.json").read_text())


def test_the_field():
    assert shamir._multiply(0x57, 0x83, 1) == 0xC1
    assert shamir._inverse(0x53) == 0xCA


class TestShares:
    @pytest.mark.parametrize("chosen", list(combinations(range(5), 3)), ids=str)
    def test_every_three_of_the_known_five(self, chosen):
        shares = [bytes.fromhex(KNOWN["shares"][number]) for number in chosen]
        assert shamir.combine(shares) == bytes(range(32))

    def test_are_read_in_hexadecimal_and_in_base64(self):
        share = KNOWN["shares"][0]
        encoded = "BhkMNyJleFNeMcTP+v3Qq7aJfGeSlaiDjuH0v6qtQFsB"
        assert base64.b64decode(encoded) == bytes.fromhex(share)
        with parse_share(share) as one, parse_share(encoded) as other:
            assert one.reveal() == other.reveal()

    def test_that_a_real_server_printed(self):
        shares = [base64.b64decode(share) for share in PRINTED["shares_base64"]]
        assert [share[-1] for share in shares] == [166, 146, 64, 254, 164]
        for count in (3, 4, 5):
            secrets = {shamir.combine(chosen) for chosen in combinations(shares, count)}
            assert [hashlib.sha256(secret).hexdigest() for secret in secrets] == [PRINTED["secret_sha256"]]
        assert len({shamir.combine(chosen) for chosen in combinations(shares, 2)}) == 10


def test_an_entry_that_the_original_s_barrier_sealed_opens_at_its_path_alone():
    entry = bytes.fromhex(
        "0000000102000102030405060708090a0b7e7dd95a2f69a5d9a55f099d42a18816ae5f00cc58727776d2fb54b8df04"
    )
    term, version, message = entry[:4], entry[4], entry[5:]
    cipher = Aead(bytes.fromhex("00112233445566778899aabbccddeeff" * 2))
    assert (int.from_bytes(term, "big"), version) == (1, 2)
    assert cipher.open(message, b"logical/test/foo") == b"hello holdfast"
    with pytest.raises(NotAuthenticError):
        cipher.open(message, b"logical/test/bar")


class TestHashes:
    def test_of_a_value_in_audit_lines(self):
        hashed = "hmac-sha256:51ee632b8384e2bf4a08d3a35033c0efccf5feef8fd5443af41956eb1df8e343"
        assert ValueHasher(SALT).text("hello") == hashed

    def test_of_a_token(self):
        hashed = "c4ea8f7855742717c7b49ce4470f58118843cce13f0e5d8417ccdd523ce404eb"
        assert PreparedHmac(SALT).hexdigest(b"s.KkNJYWF5g0pomcCLEmDdOVCW") == hashed

    def test_of_a_chosen_id_is_of_another_kind_there_which_is_not_ours(self):
        # The original keeps it as SHA-1 of salt and id; what is stored here is the same HMAC for every token.
        assert hashlib.sha1(SALT + b"my-custom-id", usedforsecurity=False).hexdigest() == (
            "c5905d82cbc196a941cdb382c6f4c796250b1437"
        )


def test_a_hidden_root_token():
    hidden = hide_token("s.KkNJYWF5g0pomcCLEmDdOVCW", "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    assert hidden == "MmwILwsMHh8Pfyx8PSEiMxIeFjkRMhgOGg0"
