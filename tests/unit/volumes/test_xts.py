"""The sector cipher is IEEE 1619, counted as dm-crypt counts."""

import os

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from holdfast.volumes.xts import SectorCipher


def test_ieee_1619_vector_10():
    key = bytes.fromhex(
        "2718281828459045235360287471352662497757247093699959574966967627"
        "3141592653589793238462643383279502884197169399375105820974944592"
    )
    sector = bytearray(bytes(range(256)) * 2)
    SectorCipher(key, 512).encrypt(sector, 0xFF * 512)
    assert sector[:32].hex() == "1c3b3a102f770386e4836c99e370cf9bea00803f5e482357a4ae12d414a3e63b"


@pytest.mark.parametrize("sector_bytes", [512, 1024, 2048, 4096])
@pytest.mark.parametrize("key_bytes", [32, 64])
def test_tweak_counts_512_byte_units_from_the_start_of_the_area(sector_bytes, key_bytes):
    key, plain = os.urandom(key_bytes), os.urandom(8192)
    offset = 40960
    buffer = bytearray(plain)
    SectorCipher(key, sector_bytes).encrypt(buffer, offset)
    for start in range(0, len(plain), sector_bytes):
        tweak = ((offset + start) // 512).to_bytes(16, "little")
        encryptor = Cipher(algorithms.AES(key), modes.XTS(tweak)).encryptor()
        assert buffer[start : start + sector_bytes] == encryptor.update(plain[start : start + sector_bytes])


def test_decrypting_undoes_encrypting_within_a_view():
    cipher, plain = SectorCipher(os.urandom(64), 4096), os.urandom(12288)
    buffer = bytearray(plain)
    cipher.encrypt(memoryview(buffer)[4096:8192], 4096)
    assert buffer[:4096] == plain[:4096]
    assert buffer[8192:] == plain[8192:]
    assert buffer[4096:8192] != plain[4096:8192]
    cipher.decrypt(memoryview(buffer)[4096:8192], 4096)
    assert buffer == plain


@pytest.mark.parametrize(
    ("length", "offset"),
    [
        pytest.param(4095, 0, id="short-sector"),
        pytest.param(4097, 0, id="long-sector"),
        pytest.param(4096, 512, id="offset-inside-a-sector"),
    ],
)
def test_part_of_a_sector_is_refused(length, offset):
    with pytest.raises(ValueError, match="whole sectors"):
        SectorCipher(os.urandom(64), 4096).encrypt(bytearray(length), offset)


@pytest.mark.parametrize(
    "key",
    [
        pytest.param(b"", id="empty"),
        pytest.param(bytes(16), id="half-a-key"),
        pytest.param(bytes(65), id="too-long"),
        pytest.param(bytes(64), id="two-equal-halves"),
    ],
)
def test_unfit_key_is_refused(key):
    with pytest.raises(ValueError, match="key"):
        SectorCipher(key, 4096)
