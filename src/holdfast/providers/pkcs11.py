"""Data keys wrapped by an AES key in an HSM, reached by PKCS#11; the secrets lie in the node's own storage.

    PKCS11_MODULE        the HSM's library, such as /usr/lib/softhsm/libsofthsm2.so
    PKCS11_TOKEN_LABEL   which token
    PKCS11_KEY_LABEL     which AES key in it
    PKCS11_PIN           or PKCS11_PIN_FILE: the user's PIN

The library is code that runs within the node's process: name only one that you trust as much as the node.
"""

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from holdfast.errors import InvalidInputError
from holdfast.model import SecretBytes
from holdfast.providers.errors import (
    CredentialExpiredError,
    NoCredentialError,
    ProviderUnavailableError,
    SecretDataError,
)
from holdfast.providers.opening import Opening
from holdfast.providers.wrapped import WrappedSecrets

KEY_BYTES, NONCE_BYTES, TAG_BITS = 32, 12, 128

T = TypeVar("T")


def open_from(opening: Opening) -> WrappedSecrets:
    """Return the provider that the ``PKCS11_*`` settings name.

    Raises:
        NoCredentialError: there is no PIN.
        InvalidInputError: a setting is missing or malformed, or there is no storage for wrapped keys.
    """
    settings = opening.settings
    module = settings.required("PKCS11_MODULE")
    if not module.startswith("/") or not Path(module).is_file():
        raise InvalidInputError("PKCS11_MODULE: expected the absolute path of the HSM's library")
    if opening.storage is None:
        raise InvalidInputError("secret_type pkcs11: expected a storage for wrapped keys")

    def pin() -> SecretBytes:
        secret = settings.secret("PKCS11_PIN")
        if secret is None:
            raise NoCredentialError("PKCS11_PIN not set")
        return secret

    pin().wipe()  # what is missing shows at start
    wrapper = HsmWrapper(
        module,
        token=settings.required("PKCS11_TOKEN_LABEL"),
        key=settings.required("PKCS11_KEY_LABEL"),
        pin=pin,
    )
    return WrappedSecrets(wrapper, opening.storage)


class HsmWrapper:
    """An AES key in an HSM. One session, used by one thread at a time, and opened anew when it broke.

    Args:
        module: path of the HSM's library.
        token: label of the token.
        key: label of the key.
        pin: reads the user's PIN.
    """

    kind = "pkcs11"
    login = "pin"

    def __init__(self, module: str, *, token: str, key: str, pin: Callable[[], SecretBytes]) -> None:
        import pkcs11  # noqa: PLC0415 - only those who have an HSM have the package

        self._pkcs11: Any = pkcs11
        self._module = module
        self._token = token
        self._key = key
        self._pin = pin
        self._guard = threading.Lock()
        self._session: Any = None
        self.place = f"token {token}, key {key}"

    def new_key(self, context: str) -> tuple[SecretBytes, bytes]:
        """Make a data key and have the HSM encrypt it; see ``KeyWrapper``."""
        key, nonce = SecretBytes(os.urandom(KEY_BYTES)), os.urandom(NONCE_BYTES)
        mechanism, parameters = self._gcm(nonce, context)
        return key, nonce + self._with_key(
            lambda hsm: bytes(hsm.encrypt(key.reveal(), mechanism=mechanism, mechanism_param=parameters))
        )

    def unwrap(self, wrapped: bytes, context: str) -> SecretBytes:
        """Have the HSM decrypt a data key; see ``KeyWrapper``."""
        mechanism, parameters = self._gcm(wrapped[:NONCE_BYTES], context)
        key = self._with_key(
            lambda hsm: SecretBytes(
                hsm.decrypt(wrapped[NONCE_BYTES:], mechanism=mechanism, mechanism_param=parameters)
            )
        )
        if len(key) != KEY_BYTES:
            raise SecretDataError
        return key

    def check(self) -> None:
        """Find the key; see ``KeyWrapper``."""
        self._with_key(lambda _: None)

    def times(self) -> tuple[None, None]:
        """Return nothing; see ``KeyWrapper``."""
        return None, None

    def close(self) -> None:
        """Log out; see ``KeyWrapper``."""
        with self._guard:
            self._close_session()

    def _gcm(self, nonce: bytes, context: str) -> tuple[Any, Any]:
        return self._pkcs11.Mechanism.AES_GCM, self._pkcs11.GCMParams(nonce, context.encode(), TAG_BITS)

    def _with_key(self, action: Callable[[Any], T]) -> T:
        errors = self._pkcs11.exceptions
        with self._guard:
            try:
                return action(self._find_key())
            except (errors.PinIncorrect, errors.PinLenRange, errors.PinLocked, errors.PinExpired) as error:
                raise CredentialExpiredError(
                    "PKCS11_PIN: the HSM does not accept it", detail=type(error).__name__
                ) from None
            except (errors.EncryptedDataInvalid, errors.EncryptedDataLenRange):
                raise SecretDataError from None
            except (errors.NoSuchKey, errors.NoSuchToken, errors.MultipleObjectsReturned) as error:
                raise ProviderUnavailableError(
                    f"the HSM has not exactly one of what was named: {self.place}",
                    detail=type(error).__name__,
                ) from None
            except (errors.PKCS11Error, RuntimeError) as error:
                self._close_session()  # the next call begins anew
                raise ProviderUnavailableError(
                    f"the HSM cannot be used ({self.place}): {type(error).__name__}"
                ) from None

    def _find_key(self) -> Any:
        if self._session is None:
            token = self._pkcs11.lib(self._module).get_token(token_label=self._token)
            with self._pin() as pin:
                self._session = token.open(user_pin=pin.reveal().decode())
        return self._session.get_key(object_class=self._pkcs11.ObjectClass.SECRET_KEY, label=self._key)

    def _close_session(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            try:
                session.close()
            except self._pkcs11.exceptions.PKCS11Error:
                return
