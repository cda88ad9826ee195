"""Logging in with a role id and a secret id."""

from functools import partial

import msgspec

from holdfast.errors import InvalidInputError
from holdfast.iam.errors import TooManyTriesError
from holdfast.iam.lockout import source_of
from holdfast.store import fields
from holdfast.store.auth.approle.commands import UseSecretId
from holdfast.store.auth.approle.records import Hashes, Role, SecretId, role_id_key, role_key, secret_key
from holdfast.store.auth.issue import Earned
from holdfast.store.auth.login import Login
from holdfast.store.auth.records import load_record
from holdfast.store.iam.login_commands import BeginLogin, PasswordWasRight
from holdfast.store.networks import admits
from holdfast.store.request import Answer

INVALID = "invalid role or secret ID"
_NOBODY = b"NOBODY"  # names of roles are in lower case


def log_in(login: Login) -> None:
    """Begin a login."""
    role_id = fields.text(login.values, "role_id")
    if not role_id:
        raise InvalidInputError("missing role_id")
    name = login.records.get(role_id_key(_hashes(login).of(role_id)))
    role = load_record(login.records, role_key((name or _NOBODY).decode()), Role)
    if name is None or role is None:
        _look_for_nothing(login)
        raise InvalidInputError(INVALID, detail="no such role id")
    if not admits(role.secret_id_bound_cidrs, login.request.peer):
        raise InvalidInputError(INVALID, detail="not from a network of the role")
    attempt = _Attempt(login, name.decode(), role)
    if not role.bind_secret_id:
        attempt.finish(None)
        return
    secret_id = fields.text(login.values, "secret_id")
    if not secret_id:
        raise InvalidInputError("missing secret_id")
    secret_hash = _hashes(login).of(secret_id)
    if role.has_chosen_secret_ids:
        login.ask(BeginLogin(uid=attempt.tried, source=attempt.source), partial(attempt.counted, secret_hash))
    else:
        attempt.check(secret_hash)


def _look_for_nothing(login: Login) -> None:
    """Take as long as with a role, so that the time does not tell which role ids there are."""
    secret_id = fields.text(login.values, "secret_id")
    login.records.get(secret_key(_NOBODY.decode(), _hashes(login).of(secret_id)))


def _hashes(login: Login) -> Hashes:
    return Hashes(login.opened.hasher, login.mount.uuid)


class _Attempt:
    """One login, once its role is known."""

    def __init__(self, login: Login, name: str, role: Role) -> None:
        self._login = login
        self._name = name
        self._role = role
        self.tried = f"{login.mount.uuid}/{name}"

    @property
    def source(self) -> str:
        """Where the login comes from, for counting tries."""
        return source_of(self._login.request.peer)

    def counted(self, secret_hash: str, answer: Answer) -> None:
        """Go on, unless this role was tried too often from there."""
        wait_seconds = msgspec.json.decode(answer.data or b"", type=int)
        if wait_seconds:
            raise TooManyTriesError(wait_seconds)
        self.check(secret_hash)

    def check(self, secret_hash: str) -> None:
        """Check a secret id."""
        login, peer = self._login, self._login.request.peer
        secret = load_record(login.records, secret_key(self._name, secret_hash), SecretId)
        if secret is None or not secret.is_live(login.now):
            raise InvalidInputError(INVALID, detail="no such secret id" if secret is None else "run out")
        if not admits(secret.bound_cidrs, peer):
            raise InvalidInputError(INVALID, detail="not from a network of the secret id")
        if self._role.has_chosen_secret_ids:
            login.tell(PasswordWasRight(uid=self.tried, source=self.source))
        if secret.uses_left:
            use = UseSecretId(
                mount=login.mount.uuid, role=self._name, secret_hash=secret_hash, refusal=INVALID
            )
            login.change(use, lambda _used: self.finish(secret))
        else:
            self.finish(secret)

    def finish(self, secret: SecretId | None) -> None:
        """Hand out the token."""
        metadata = {} if secret is None else secret.metadata
        self._login.grant(
            Earned(
                role=role_key(self._name),
                settings=self._role.settings,
                name="",
                metadata={**metadata, "role_name": self._name},
                bound_cidrs=() if secret is None else secret.token_bound_cidrs,
                alias=self._role.role_id,
            )
        )
