"""Credentials in the node's storage, and the marks that keep their secrets from being left behind.

    credentials/<id>            CredentialRecord
    credential-names/<name>     the id, so that a name is taken exactly once
    credential-secrets/<leaf>   SecretMark of the secret whose name ends in <leaf>

A secret is marked before it is written to the provider. The transaction that gives it a record takes the
mark away; the one that takes its record away marks it again. So whatever a crash leaves in the provider has
a mark, and is found and removed.
"""

from collections.abc import Callable, Iterator

import msgspec

from holdfast.errors import ConflictError, NotFoundError
from holdfast.node.access.ownership_note import note_of
from holdfast.node.credentials.credential_records import (
    CredentialRecord,
    SecretMark,
    SecretNote,
    check_credential_reference,
    decode_credential,
    decode_mark,
    encode,
)
from holdfast.node.errors import CredentialExistsError
from holdfast.node.stored import read_all
from holdfast.policy.ownership import Ownership
from holdfast.storage.interface import Reader, Storage, Transaction
from holdfast.storage.reading import read_one_state

RECORDS = "credentials/"
NAMES = "credential-names/"
MARKS = "credential-secrets/"


class CredentialCatalog:
    """The collection of credentials; each change is one transaction.

    Args:
        storage: where they are kept.
    """

    kind = "credential"

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def check_reference(self, reference: str) -> str:
        """Return ``reference`` if it has the form of an id or a name, or raise."""
        return check_credential_reference(reference)

    def find(self, reference: str) -> CredentialRecord | None:
        """Return the credential with this id or name, or ``None``."""

        def read(reader: Reader) -> bytes | None:
            stored = reader.get(RECORDS + reference)
            if stored is not None:
                return stored
            identity = reader.get(NAMES + reference)
            return None if identity is None else reader.get(RECORDS + identity.decode())

        stored = read_one_state(self._storage, read)
        return None if stored is None else decode_credential(stored)

    def enumerate(self) -> Iterator[CredentialRecord]:
        """Yield all credentials, by id."""
        for _, stored in read_all(self._storage, RECORDS):
            yield decode_credential(stored)

    def insert(self, record: CredentialRecord) -> None:
        """Store a new credential, whose secret needs its mark no longer.

        Raises:
            CredentialExistsError: the name is taken.
        """

        def change(transaction: Transaction) -> None:
            _take_name(transaction, record)
            transaction.put(RECORDS + record.id, encode(record))
            if record.secret is not None:
                transaction.delete(MARKS + record.secret.leaf)

        self._storage.write(change)

    def replace(
        self,
        seen: CredentialRecord,
        record: CredentialRecord,
        *,
        ownership: Callable[[Ownership], Ownership],
        old: tuple[str, SecretMark] | None,
    ) -> CredentialRecord:
        """Replace a credential that is still as it was seen.

        Args:
            seen: the credential as it was read.
            record: what it is to be, but for whom it belongs to.
            ownership: from the ownership that is stored at that moment to the new one; may refuse.
            old: the leaf of the secret's name that it loses, and the mark for it; the mark of the secret
                that it has from now on is taken away. ``None`` if its secret stays.

        Raises:
            NotFoundError: it is gone.
            ConflictError: it was changed meanwhile.
            CredentialExistsError: it was to get a name that is taken.
        """

        def change(transaction: Transaction) -> CredentialRecord:
            present = _get(transaction, seen.id)
            if present.revision != seen.revision:
                raise ConflictError("the credential was changed meanwhile; look at it and try again")
            changed = msgspec.structs.replace(
                record, revision=seen.revision + 1, stored_ownership=note_of(ownership(present.ownership))
            )
            if changed.name != present.name:
                _take_name(transaction, changed)
                transaction.delete(NAMES + present.name)
            transaction.put(RECORDS + changed.id, encode(changed))
            if changed.secret is not None and changed.secret != present.secret:
                transaction.delete(MARKS + changed.secret.leaf)
            if old is not None:
                transaction.put(MARKS + old[0], encode(old[1]))
            return changed

        return self._storage.write(change)

    def change_ownership(self, identity: str, edit: Callable[[Ownership], Ownership]) -> CredentialRecord:
        """Change whom a credential belongs to.

        Raises:
            NotFoundError: it is gone.
        """

        def change(transaction: Transaction) -> CredentialRecord:
            present = _get(transaction, identity)
            changed = msgspec.structs.replace(
                present, stored_ownership=note_of(edit(present.ownership)), revision=present.revision + 1
            )
            transaction.put(RECORDS + identity, encode(changed))
            return changed

        return self._storage.write(change)

    def remove(self, identity: str, mark: Callable[[SecretNote], SecretMark]) -> SecretNote | None:
        """Forget a credential, and mark its secret; return where that is, ``None`` if there is none.

        Args:
            identity: its id.
            mark: makes the mark, for the secret that the credential has at that moment.

        Raises:
            NotFoundError: somebody else was faster.
        """

        def change(transaction: Transaction) -> SecretNote | None:
            present = _get(transaction, identity)
            transaction.delete(NAMES + present.name)
            transaction.delete(RECORDS + identity)
            if present.secret is not None:
                transaction.put(MARKS + present.secret.leaf, encode(mark(present.secret)))
            return present.secret

        return self._storage.write(change)

    def put_mark(self, leaf: str, mark: SecretMark) -> None:
        """Mark a secret that is about to be written."""
        self._storage.write(lambda transaction: transaction.put(MARKS + leaf, encode(mark)))

    def is_marked(self, leaf: str) -> bool:
        """Whether a secret has a mark, and so belongs to no record."""
        return self._storage.get(MARKS + leaf) is not None

    def remove_mark(self, leaf: str) -> None:
        """Forget a mark: its secret is gone."""
        self._storage.write(lambda transaction: transaction.delete(MARKS + leaf))

    def marks(self) -> list[tuple[str, SecretMark]]:
        """Return all marks, by leaf."""
        return [(leaf, decode_mark(stored)) for leaf, stored in read_all(self._storage, MARKS)]


def _get(transaction: Transaction, identity: str) -> CredentialRecord:
    stored = transaction.get(RECORDS + identity)
    if stored is None:
        raise NotFoundError("the credential is gone")
    return decode_credential(stored)


def _take_name(transaction: Transaction, record: CredentialRecord) -> None:
    if transaction.get(NAMES + record.name) is not None:
        raise CredentialExistsError("name: another credential has it already")
    transaction.put(NAMES + record.name, record.id.encode())
