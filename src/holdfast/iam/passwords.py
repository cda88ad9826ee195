"""Passwords at rest: argon2id (RFC 9106), in the text form that carries its own parameters.

Every check costs one hash, whether or not there is anything to compare with: where a user does not exist or
has no password, ``verify`` is given ``decoy``, a record of the configured cost that no password fits.

A hash needs ``memory_kib`` for as long as it takes, so whoever calls this bounds how many run at a time.
"""

import unicodedata
from base64 import b64encode
from dataclasses import dataclass
from secrets import token_bytes

from argon2 import extract_parameters
from argon2.exceptions import HashingError, VerificationError, VerifyMismatchError
from argon2.low_level import ARGON2_VERSION, Type, error_to_str, hash_secret, verify_secret

from holdfast.errors import InternalError, InvalidInputError, UnavailableError
from holdfast.iam.errors import Code, refusal

# The second recommended option of RFC 9106 section 4, on one lane: a login takes one core, not four.
DEFAULT_MEMORY_KIB = 65_536
DEFAULT_ITERATIONS = 3
LANES = 1
# The floor: the least that the OWASP Password Storage Cheat Sheet accepts for argon2id.
LEAST_MEMORY_KIB = 19_456
LEAST_ITERATIONS = 2
MOST_MEMORY_KIB = 1_048_576
MOST_ITERATIONS = 64

SALT_BYTES = 16
HASH_BYTES = 32  # RFC 9106 section 4: 128-bit salt, 256-bit tag

_OUT_OF_MEMORY = error_to_str(-22)  # ARGON2_MEMORY_ALLOCATION_ERROR of argon2.h

MAX_PASSWORD_BYTES = 1024
# DC/OS takes five characters. NIST SP 800-63B asks for eight.
DEFAULT_LEAST_LENGTH = 8
LEAST_LEAST_LENGTH = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordCost:
    """What one hash costs.

    Attributes:
        memory_kib: memory in KiB.
        iterations: passes over it.

    Raises:
        InvalidInputError: below the floor, or above what a server could bear.
    """

    memory_kib: int = DEFAULT_MEMORY_KIB
    iterations: int = DEFAULT_ITERATIONS

    def __post_init__(self) -> None:
        if not LEAST_MEMORY_KIB <= self.memory_kib <= MOST_MEMORY_KIB:
            raise InvalidInputError(f"argon2 memory: expected {LEAST_MEMORY_KIB} to {MOST_MEMORY_KIB} KiB")
        if not LEAST_ITERATIONS <= self.iterations <= MOST_ITERATIONS:
            raise InvalidInputError(
                f"argon2 iterations: expected {LEAST_ITERATIONS} to {MOST_ITERATIONS} passes"
            )


class Passwords:
    """Hashes and checks passwords at one cost.

    Args:
        cost: of new hashes; old ones are checked at theirs.
        least_length: the fewest characters that a new password may have.

    Attributes:
        decoy: a record at this cost that no password fits.
    """

    __slots__ = ("_cost", "_least_length", "decoy")

    def __init__(self, cost: PasswordCost, *, least_length: int = DEFAULT_LEAST_LENGTH) -> None:
        self._cost = cost
        self._least_length = least_length
        salt, digest = (
            b64encode(token_bytes(size)).rstrip(b"=").decode() for size in (SALT_BYTES, HASH_BYTES)
        )
        parameters = f"m={cost.memory_kib},t={cost.iterations},p={LANES}"
        self.decoy = f"$argon2id$v={ARGON2_VERSION}${parameters}${salt}${digest}"

    def check_new(self, password: str) -> None:
        """Return if a user may have this password.

        Raises:
            InvalidInputError: too short or too long.
        """
        if len(password) < self._least_length or len(password.encode()) > MAX_PASSWORD_BYTES:
            raise refusal(
                Code.INVALID_DATA,
                f"password: expected {self._least_length} characters or more, and at most "
                f"{MAX_PASSWORD_BYTES} bytes",
            )

    def hash(self, password: str) -> str:
        """Return what to keep of a password.

        Raises:
            UnavailableError: there is not enough memory at the moment.
        """
        try:
            record = hash_secret(
                _bytes_of(password),
                token_bytes(SALT_BYTES),
                time_cost=self._cost.iterations,
                memory_cost=self._cost.memory_kib,
                parallelism=LANES,
                hash_len=HASH_BYTES,
                type=Type.ID,
            )
        except HashingError:
            raise _out_of_memory() from None
        return record.decode("ascii")

    def verify(self, record: str, password: str) -> bool:
        """Whether ``password`` is the one that ``record`` was made of; always costs one hash.

        Raises:
            UnavailableError: there is not enough memory at the moment.
            InternalError: the record is none of ours.
        """
        try:
            return verify_secret(record.encode("ascii"), _bytes_of(password), Type.ID)
        except VerifyMismatchError:
            return False
        except VerificationError as error:
            if str(error) != _OUT_OF_MEMORY:
                raise InternalError("a stored password record cannot be read") from None
            raise _out_of_memory() from None

    def is_outdated(self, record: str) -> bool:
        """Whether ``record`` was made at another cost than new ones are."""
        made_at, cost = extract_parameters(record), self._cost
        return (made_at.memory_cost, made_at.time_cost) != (cost.memory_kib, cost.iterations)


def _bytes_of(password: str) -> bytes:
    """Return one spelling of what people see as one password, however their keyboard composes accents."""
    return unicodedata.normalize("NFC", password).encode()


def _out_of_memory() -> UnavailableError:
    return UnavailableError("there is not enough memory to check a password at the moment; try again later")
