"""Passwords at rest: argon2id above a floor, and one hash for every check, whatever there is to compare."""

import pytest
from argon2.low_level import error_to_str

from holdfast.errors import InternalError, InvalidInputError, UnavailableError
from holdfast.iam import passwords as module
from holdfast.iam.errors import Code
from holdfast.iam.passwords import (
    DEFAULT_ITERATIONS,
    DEFAULT_MEMORY_KIB,
    LEAST_ITERATIONS,
    LEAST_MEMORY_KIB,
    PasswordCost,
    Passwords,
)

CHEAP = PasswordCost(memory_kib=LEAST_MEMORY_KIB, iterations=LEAST_ITERATIONS)
DEARER = PasswordCost(memory_kib=LEAST_MEMORY_KIB + 8, iterations=LEAST_ITERATIONS)


@pytest.fixture(scope="module")
def cheap():
    return Passwords(CHEAP)


@pytest.fixture(scope="module")
def record(cheap):
    return cheap.hash("correct horse")


def test_a_record_is_argon2id_with_the_configured_cost_and_hides_the_password(record):
    assert record.startswith(f"$argon2id$v=19$m={LEAST_MEMORY_KIB},t={LEAST_ITERATIONS},p=1$")
    assert "horse" not in record


def test_the_same_password_has_another_record_each_time(cheap, record):
    assert cheap.hash("correct horse") != record


@pytest.mark.parametrize(
    ("password", "fits"),
    [
        pytest.param("correct horse", True, id="the password"),
        pytest.param("Correct horse", False, id="another letter"),
        pytest.param("correct horse ", False, id="a blank more"),
        pytest.param("correct hors", False, id="cut"),
        pytest.param("", False, id="empty"),
        pytest.param("correct horse\0", False, id="NUL behind it"),
    ],
)
def test_only_the_password_fits(cheap, record, password, fits):
    assert cheap.verify(record, password) is fits


def test_one_password_however_the_keyboard_composes_it(cheap):
    assert cheap.verify(cheap.hash("caf\u00e9-42-latte"), "cafe\u0301-42-latte")


def test_the_decoy_is_checked_at_the_same_cost_and_never_fits(cheap, record):
    assert cheap.decoy.rpartition("$")[0].rpartition("$")[0] == record.rpartition("$")[0].rpartition("$")[0]
    assert [len(part) for part in cheap.decoy.split("$")] == [len(part) for part in record.split("$")]
    assert not cheap.verify(cheap.decoy, "correct horse")
    assert cheap.decoy != Passwords(CHEAP).decoy


@pytest.mark.parametrize(
    ("memory_kib", "iterations"),
    [
        pytest.param(LEAST_MEMORY_KIB - 1, LEAST_ITERATIONS, id="too little memory"),
        pytest.param(LEAST_MEMORY_KIB, LEAST_ITERATIONS - 1, id="too few passes"),
        pytest.param(0, 0, id="nothing"),
        pytest.param(2**21, LEAST_ITERATIONS, id="more memory than a server has"),
        pytest.param(LEAST_MEMORY_KIB, 1000, id="more passes than anybody waits for"),
    ],
)
def test_a_cost_outside_the_bounds_is_refused(memory_kib, iterations):
    with pytest.raises(InvalidInputError):
        PasswordCost(memory_kib=memory_kib, iterations=iterations)


def test_the_default_is_that_of_rfc_9106_for_little_memory():
    assert (DEFAULT_MEMORY_KIB, DEFAULT_ITERATIONS) == (64 * 1024, 3)
    assert PasswordCost() == PasswordCost(memory_kib=65_536, iterations=3)


@pytest.mark.parametrize(
    "password",
    [
        pytest.param("", id="empty"),
        pytest.param("1234567", id="seven characters"),
        pytest.param("x" * 1025, id="over a kilobyte"),
        pytest.param("\u00e9" * 513, id="over a kilobyte of UTF-8"),
    ],
)
def test_a_password_outside_the_bounds_is_refused_and_not_repeated(cheap, password):
    with pytest.raises(InvalidInputError) as refused:
        cheap.check_new(password)
    assert refused.value.reason == Code.INVALID_DATA
    assert not password or password not in refused.value.message
    cheap.check_new("12345678")


def test_an_operator_may_go_down_to_what_dc_os_took():
    Passwords(CHEAP, least_length=5).check_new("12345")


def test_a_record_of_another_cost_is_known_as_outdated_and_still_fits(cheap, record):
    dearer = Passwords(DEARER)
    assert (dearer.is_outdated(record), cheap.is_outdated(record)) == (True, False)
    assert dearer.verify(record, "correct horse")


@pytest.mark.parametrize("damaged", ["", "x", "$argon2id$", "$argon2id$v=19$m=1,t=1,p=1$AAAA$AAAA"])
def test_a_damaged_record_is_a_defect_and_no_refusal(cheap, damaged):
    with pytest.raises(InternalError):
        cheap.verify(damaged, "correct horse")


def test_without_memory_the_answer_is_neither_yes_nor_no(cheap, record, monkeypatch):
    def fail(*_arguments, **_options):
        raise module.VerificationError(error_to_str(-22))

    monkeypatch.setattr(module, "verify_secret", fail)
    with pytest.raises(UnavailableError):
        cheap.verify(record, "correct horse")
