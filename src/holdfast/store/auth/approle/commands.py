"""Changes to roles and secret ids, as commands for the writer."""

import msgspec

from holdfast.errors import InvalidInputError, NotFoundError
from holdfast.storage.interface import Transaction
from holdfast.store.auth.approle.records import (
    Hashes,
    Role,
    SecretId,
    accessor_key,
    expiry_key,
    remove_secret_id,
    role_id_key,
    role_key,
    secret_key,
    tidy,
)
from holdfast.store.auth.records import AuthCommand, check_unchanged, decode_record, encode_record
from holdfast.store.command import Scope
from holdfast.store.permit import Permit
from holdfast.store.request import Answer
from holdfast.store.system_commands import clear

_TIDIED_IN_PASSING = 10


class RoleCommand(AuthCommand, frozen=True, kw_only=True):
    """A change to one role, or to its secret ids."""

    role: str

    def hashes(self, scope: Scope) -> Hashes:
        """Return the names in storage of this mount's ids."""
        return Hashes(scope.hasher, self.mount)


class SaveAppRole(RoleCommand, frozen=True, kw_only=True):
    """Store a role.

    Attributes:
        value: the new record.
        before: the record that it was made of; ``None`` if there was none.
        permit: whether the caller may create it, or change it.
    """

    value: Role
    before: bytes | None
    permit: Permit

    def run(self, scope: Scope) -> Answer:
        """Store it with its role id, which no other role may have."""
        view, hashes = self.view(scope), self.hashes(scope)
        check_unchanged(view, role_key(self.role), self.before)
        self.permit.check(exists=self.before is not None)
        taken_by = view.get(role_id_key(hashes.of(self.value.role_id)))
        if taken_by is not None and taken_by.decode() != self.role:
            raise InvalidInputError("role_id: expected one that no other role has")
        if self.before is not None:
            view.delete(role_id_key(hashes.of(decode_record(self.before, Role).role_id)))
        view.put(role_id_key(hashes.of(self.value.role_id)), self.role.encode())
        view.put(role_key(self.role), encode_record(self.value))
        return Answer()


class RemoveAppRole(RoleCommand, frozen=True):
    """Remove a role and its secret ids."""

    def run(self, scope: Scope) -> Answer:
        """Remove them; an absent role is fine."""
        view, hashes = self.view(scope), self.hashes(scope)
        stored = view.get(role_key(self.role))
        if stored is not None:
            view.delete(role_id_key(hashes.of(decode_record(stored, Role).role_id)))
            view.delete(role_key(self.role))
            # The marks of their expiry stay; what they lead to is gone, which tidying takes as done.
            clear(view, f"secret/{self.role}/")
            clear(view, f"accessor/{self.role}/")
        return Answer()


class AddSecretId(RoleCommand, frozen=True, kw_only=True):
    """Store a secret id.

    Attributes:
        secret_hash: its name.
        secret: the record.
        is_chosen: whether the caller chose it.
        answer: what he is told.
    """

    secret_hash: str
    secret: SecretId
    is_chosen: bool
    answer: bytes

    def run(self, scope: Scope) -> Answer:
        """Store it, and remove some that have run out."""
        view, hashes = self.view(scope), self.hashes(scope)
        role = _require_role(view, self.role)
        tidy(view, hashes, now=scope.now, limit=_TIDIED_IN_PASSING)
        if view.get(secret_key(self.role, self.secret_hash)) is not None:
            raise InvalidInputError("secret_id: expected one that the role does not have yet")
        if self.is_chosen and not role.has_chosen_secret_ids:
            guarded = msgspec.structs.replace(role, has_chosen_secret_ids=True)
            view.put(role_key(self.role), encode_record(guarded))
        view.put(secret_key(self.role, self.secret_hash), encode_record(self.secret))
        view.put(accessor_key(self.role, hashes.of(self.secret.accessor)), self.secret_hash.encode())
        if self.secret.expires_at:
            view.put(expiry_key(self.role, self.secret_hash, self.secret.expires_at), b"")
        return Answer(data=self.answer)


class UseSecretId(RoleCommand, frozen=True, kw_only=True):
    """Count one use of a secret id that has a limited number of them."""

    secret_hash: str
    refusal: str

    def run(self, scope: Scope) -> Answer:
        """Take one use off; with the last it is gone."""
        view = self.view(scope)
        stored = view.get(secret_key(self.role, self.secret_hash))
        if stored is None:
            raise InvalidInputError(self.refusal)
        secret = decode_record(stored, SecretId)
        if secret.uses_left == 1:
            remove_secret_id(view, self.hashes(scope), self.role, self.secret_hash)
        elif secret.uses_left:
            used = msgspec.structs.replace(secret, uses_left=secret.uses_left - 1, updated_at=scope.now)
            view.put(secret_key(self.role, self.secret_hash), encode_record(used))
        return Answer()


class RemoveSecretId(RoleCommand, frozen=True, kw_only=True):
    """Remove a secret id; an absent one is fine."""

    secret_hash: str

    def run(self, scope: Scope) -> Answer:
        """Remove it with its accessor."""
        remove_secret_id(self.view(scope), self.hashes(scope), self.role, self.secret_hash)
        return Answer()


class TidySecretIds(AuthCommand, frozen=True):
    """Remove secret ids that have run out."""

    def run(self, scope: Scope) -> Answer:
        """Remove as many as one transaction should; the rest waits for the next."""
        tidy(self.view(scope), Hashes(scope.hasher, self.mount), now=scope.now)
        return Answer(warnings=("Removed secret ids that had run out, up to 100 at a time.",))


def _require_role(view: Transaction, name: str) -> Role:
    stored = view.get(role_key(name))
    if stored is None:
        raise NotFoundError("no role has this name")
    return decode_record(stored, Role)
