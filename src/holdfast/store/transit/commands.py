"""Changes to keys of the transit engine, as commands for the writer.

Material is made by whoever sends the command: making an RSA key takes long, and the writer has no time.
"""

from functools import partial
from typing import Any

import msgspec

from holdfast.engines.transit import backup, changes, encryption
from holdfast.engines.transit.changes import KeyChange, KeyNotFoundError
from holdfast.engines.transit.describe import describe
from holdfast.engines.transit.material import Material
from holdfast.engines.transit.records import (
    Key,
    KeysConfig,
    load_config,
    load_key,
    save_config,
)
from holdfast.engines.transit.versioned import write
from holdfast.errors import InvalidInputError
from holdfast.formats.strict_json import encode
from holdfast.storage.interface import Reader, Transaction
from holdfast.store.command import Command, Scope
from holdfast.store.layout import engine_place
from holdfast.store.mounts import Mount
from holdfast.store.permit import Permit
from holdfast.store.request import Answer
from holdfast.store.transit.batch import Job, Problem, Versions, answer, attempt


class TransitCommand(Command, frozen=True, kw_only=True):
    """A change to one key.

    Attributes:
        mount: uuid of the mount; the change is refused if the mount is gone by then.
        name: the key.
    """

    mount: str
    name: str

    def view(self, scope: Scope) -> Transaction:
        """Return the mount's data, if the mount still exists."""
        scope.require_mount(self.mount)
        return scope.view(engine_place(Mount.prefix_of(self.mount)))


class CreateKey(TransitCommand, frozen=True, kw_only=True):
    """Make a key."""

    key: Key
    material: Material

    def run(self, scope: Scope) -> Answer:
        """Make it; one that is there stays as it is."""
        view = self.view(scope)
        made = changes.create(view, self.name, self.key, self.material, now=scope.now)
        return described(view, self.name) if made else described(view, self.name, warning=ALREADY_THERE)


class RotateKey(TransitCommand, frozen=True, kw_only=True):
    """Give a key a new version."""

    made_for: Key
    material: Material

    def run(self, scope: Scope) -> Answer:
        """Rotate it."""
        view = self.view(scope)
        changes.rotate(view, self.name, self.made_for, self.material, now=scope.now)
        return described(view, self.name)


class ConfigureKey(TransitCommand, frozen=True, kw_only=True):
    """Change what a key allows."""

    change: KeyChange

    def run(self, scope: Scope) -> Answer:
        """Change it."""
        view = self.view(scope)
        _, warnings = changes.configure(view, self.name, self.change)
        result = described(view, self.name)
        result.warnings = tuple(warnings)
        return result


class TrimKey(TransitCommand, frozen=True, kw_only=True):
    """Erase old versions of a key for good."""

    minimum: int

    def run(self, scope: Scope) -> Answer:
        """Erase them."""
        view = self.view(scope)
        changes.trim(view, self.name, self.minimum)
        return described(view, self.name)


class DeleteKey(TransitCommand, frozen=True):
    """Erase a key."""

    def run(self, scope: Scope) -> Answer:
        """Erase it, if it allows that."""
        changes.delete(self.view(scope), self.name)
        return Answer()


class BackUpKey(TransitCommand, frozen=True):
    """Take a whole key away."""

    def run(self, scope: Scope) -> Answer:
        """Return it, and note when that was."""
        return Answer(data=encode({"backup": backup.back_up(self.view(scope), self.name, now=scope.now)}))


class RestoreKey(TransitCommand, frozen=True, kw_only=True):
    """Make the key of a backup."""

    saved: backup.Backup
    force: bool

    def run(self, scope: Scope) -> Answer:
        """Make it."""
        backup.restore(self.view(scope), self.name, self.saved, now=scope.now, force=self.force)
        return Answer()


class Plain(msgspec.Struct, frozen=True, tag=True):
    """One thing to encrypt."""

    plaintext: bytes
    context: bytes
    associated_data: bytes
    key_version: int

    def __repr__(self) -> str:
        return "Plain(...)"


class EncryptWithNewKey(TransitCommand, frozen=True, kw_only=True):
    """Make a key and encrypt with it."""

    key: Key
    material: Material
    permit: Permit
    plain: tuple[Plain | Problem, ...]
    references: tuple[str, ...]
    is_single: bool

    def run(self, scope: Scope) -> Answer:
        """Make it, unless somebody was faster, and encrypt."""
        view = self.view(scope)
        made = changes.create(view, self.name, self.key, self.material, now=scope.now)
        if made is None:
            self.permit.check(exists=True)
        versions = Versions(view, self.name, require_key(view, self.name))
        return answer(
            [
                one if isinstance(one, Problem) else attempt(partial(encrypting, versions, one))
                for one in self.plain
            ],
            self.references,
            is_single=self.is_single,
            empty={},
            tells_failure=True,
        )


class ConfigureKeys(Command, frozen=True, kw_only=True):
    """Change the settings of a mount."""

    mount: str
    disable_upsert: bool

    def run(self, scope: Scope) -> Answer:
        """Change them."""
        scope.require_mount(self.mount)
        view = scope.view(engine_place(Mount.prefix_of(self.mount)))
        save_config(view, KeysConfig(disable_upsert=self.disable_upsert))
        return Answer(data=encode(msgspec.structs.asdict(load_config(view))))


ALREADY_THERE = "the key already existed, and was left as it is"


def require_key(reader: Reader, name: str, problem: str = "encryption key not found") -> Key:
    """Return a key that must be there.

    Raises:
        KeyNotFoundError: it is not; ``problem`` says what it was wanted for.
    """
    key = load_key(reader, name)
    if key is None:
        raise KeyNotFoundError(problem)
    return key


def described(reader: Reader, name: str, *, context: bytes = b"", warning: str = "") -> Answer:
    """Return what clients are told of a key that is there."""
    data = encode(describe(reader, name, require_key(reader, name), context=context))
    return Answer(data=data, warnings=(warning,) if warning else ())


def encrypting(versions: Versions, plain: Plain) -> Job:
    """Return what will encrypt one thing.

    Raises:
        InvalidInputError: this key cannot.
    """
    key = versions.key
    encryption.check_encrypts(key)
    if plain.associated_data and not key.type.is_aead:
        raise InvalidInputError(f"'associated_data' provided for non-AEAD cipher suite {key.type_name}")
    number = encryption.encryption_version(key, plain.key_version)
    version = versions.get(number)

    def job() -> dict[str, Any]:
        message = encryption.encrypt(
            key,
            version,
            plain.plaintext,
            context=plain.context,
            associated_data=plain.associated_data,
        )
        return {"ciphertext": write(number, message), "key_version": number}

    return job
