"""Service ``Credentials``: access to stores of objects by name, with secret parts in the secrets provider.

Order of a create: form, endpoint rules, the service itself; then the secret parts, then the record. So
nothing is stored that was not validated, and what a crash leaves between the last two steps is found by its
mark. No answer, no record and no log line carries a secret part.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import msgspec

from holdfast.clock import Clock
from holdfast.errors import InvalidInputError, UnsupportedError
from holdfast.model import SecretBytes
from holdfast.node import apis
from holdfast.node.access.access_changes import change_access, note_update, ownership_words
from holdfast.node.access.gate import Gate
from holdfast.node.access.ownership_note import note_of
from holdfast.node.api import Admission, operation
from holdfast.node.credentials.credential_catalog import CredentialCatalog
from holdfast.node.credentials.credential_check import CredentialCheck
from holdfast.node.credentials.credential_form import FIELD, check_form
from holdfast.node.credentials.credential_records import (
    SECRET_OF,
    Account,
    AzureAccount,
    CredentialRecord,
    GoogleAccount,
    NfsExport,
    S3Account,
    SecretPart,
    check_credential_name,
    new_credential_id,
)
from holdfast.node.credentials.credential_secrets import CredentialSecrets
from holdfast.node.errors import CredentialExistsError
from holdfast.policy.ownership import AccessControl, Ownership, is_storage_administrator
from holdfast.policy.ownership_change import AccessChange, ownership_on_create, ownership_on_update


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialSpec:
    """What a credential is to be, or in an update: what of it is to change.

    Attributes:
        name: unique within the cluster. Empty in an update: it stays.
        account: whose storage. In an update, ``None``: it stays; a text that is empty stays, too.
        parts: the secret parts. Those that an update does not name stay.
        bucket: bucket or container. Empty in an update: it stays.
        owner: only in an update, and only by the storage administrator.
        acls: who else may use it. In an update, ``None``: the list stays.
        use_proxy: not offered.
        iam_policy: not offered.
    """

    name: str = ""
    account: Account | None = None
    parts: Mapping[SecretPart, SecretBytes] = field(default_factory=dict, repr=False)
    bucket: str = ""
    owner: str | None = None
    acls: AccessControl | None = None
    use_proxy: bool = False
    iam_policy: bool = False

    def check_offered(self) -> None:
        """Raise for what this node does not offer, rather than leave it out in silence."""
        if self.use_proxy and isinstance(self.account, NfsExport):
            raise InvalidInputError("use_proxy: Proxy not supported for NFS credentials")
        if self.use_proxy:
            raise UnsupportedError("use_proxy: this node reaches endpoints directly; leave it out")
        if self.iam_policy:
            raise UnsupportedError(
                "iam_policy: this node lends nobody the rights of its own machine; give keys"
            )


@dataclass(frozen=True, slots=True)
class Validated:
    """A credential, and what was looked at when it was validated.

    Attributes:
        record: the credential.
        checked: sentences for people.
    """

    record: CredentialRecord
    checked: tuple[str, ...]


class CredentialsService:
    """Credentials and their records."""

    def __init__(
        self,
        *,
        gate: Gate,
        catalog: CredentialCatalog,
        secrets: CredentialSecrets,
        check: CredentialCheck,
        clock: Clock,
    ) -> None:
        self._gate = gate
        self._catalog = catalog
        self._secrets = secrets
        self._check = check
        self._clock = clock

    @operation(apis.CREDENTIALS_CREATE)
    def create(self, admission: Admission, spec: CredentialSpec) -> Validated:
        """Validate a credential and store it; it belongs to the caller.

        Raises:
            InvalidInputError: a field cannot be right; names it.
            CredentialExistsError: the name is taken.
            CredentialRefusedError: the service refuses the keys, or may not be asked.
            NoProviderError, ReadOnlyProviderError: there is nowhere to keep the secret parts.
            ProviderUnavailableError: the provider is sealed, away, or refuses the node.
            UnavailableError: the service does not answer.
        """
        check_credential_name(spec.name)
        if spec.account is None:
            raise InvalidInputError("credential_type: Unknown credential type")
        spec.check_offered()
        account = _named_by(admission, spec.account)
        check_form(account, spec.bucket, spec.parts)
        ownership = ownership_on_create(admission.principal, spec.acls)
        self._check.check_place(account)
        self._expect_free(spec.name)
        self._secrets.sweep()
        checked = self._check.try_out(account, spec.bucket, spec.parts)
        identity = new_credential_id()
        with self._secrets.keeping(identity, spec.parts) as note:
            record = CredentialRecord(
                id=identity,
                name=spec.name,
                bucket=spec.bucket,
                account=account,
                secret=note,
                created_at=int(self._clock.now()),
                stored_ownership=note_of(ownership),
            )
            self._catalog.insert(record)
        owned = ownership_words(record.ownership)
        self._gate.done(admission, record.id, f"credential {record.name} created", after=owned)
        return Validated(record, checked)

    @operation(apis.CREDENTIALS_UPDATE)
    def update(self, admission: Admission, reference: str, spec: CredentialSpec) -> Validated:
        """Change what the specification names; the rest stays. Nothing changes if the new whole is not valid.

        Another endpoint or access key needs the secret part with it: who may change a credential may not send
        what is signed with a secret that it does not know to a place of its own choice.

        Raises:
            ConflictError: somebody else changed it meanwhile.
            PermissionDeniedError: it is about whom it belongs to, and the caller may not change that.
            as ``create``
        """
        seen = self._gate.resource(admission, self._catalog, reference)
        spec.check_offered()
        principal = admission.principal
        ownership_on_update(principal, seen.ownership, owner=spec.owner, acls=spec.acls)
        record = msgspec.structs.replace(
            seen,
            name=check_credential_name(spec.name) if spec.name else seen.name,
            bucket=spec.bucket or seen.bucket,
            account=_merged(admission, seen.account, spec),
        )
        if record.name != seen.name:
            self._expect_free(record.name)
        self._check.check_place(record.account)
        self._secrets.sweep()
        touched = spec.parts or (record.account, record.bucket) != (seen.account, seen.bucket)
        checked: tuple[str, ...] = ()
        earlier: list[Ownership] = []

        def owned(now: Ownership) -> Ownership:
            earlier[:] = [now]  # the last time counts: storage may repeat a change
            return ownership_on_update(principal, now, owner=spec.owner, acls=spec.acls)

        with self._all_parts(seen, spec if touched else None) as parts:
            if touched:
                check_form(record.account, record.bucket, parts)
                checked = self._check.try_out(record.account, record.bucket, parts)
            with self._secrets.keeping(seen.id, parts if spec.parts else {}) as note:
                gone = seen.secret if note is not None else None
                changed = self._catalog.replace(
                    seen,
                    record if note is None else msgspec.structs.replace(record, secret=note),
                    ownership=owned,
                    old=(gone.leaf, self._secrets.mark(gone)) if gone is not None else None,
                )
        if gone is not None:
            self._secrets.drop(gone)
        outcome = f"credential {changed.name} updated"
        note_update(self._gate, admission, changed.id, outcome, before=earlier[0], after=changed.ownership)
        return Validated(changed, checked)

    @operation(apis.CREDENTIALS_ACCESS_UPDATE)
    def update_access(self, admission: Admission, reference: str, change: AccessChange) -> CredentialRecord:
        """Change whom a credential belongs to and who may use it; raises as ``change_access``."""
        return change_access(self._gate, admission, self._catalog, reference, change)

    @operation(apis.CREDENTIALS_ENUMERATE)
    def enumerate(self, admission: Admission) -> list[str]:
        """Return the ids of the credentials that the caller may read."""
        return [record.id for record in self._gate.visible(admission, self._catalog)]

    @operation(apis.CREDENTIALS_INSPECT)
    def inspect(self, admission: Admission, reference: str) -> CredentialRecord:
        """Return one credential, by id or name, without its secret parts."""
        return self._gate.resource(admission, self._catalog, reference)

    @operation(apis.CREDENTIALS_VALIDATE)
    def validate(self, admission: Admission, reference: str) -> Validated:
        """Try whether a credential opens what it is for; raises as ``create``."""
        record = self._gate.resource(admission, self._catalog, reference)
        with self._all_parts(record, CredentialSpec()) as parts:
            check_form(record.account, record.bucket, parts)
            return Validated(record, self._check.try_out(record.account, record.bucket, parts))

    @operation(apis.CREDENTIALS_DELETE)
    def delete(self, admission: Admission, reference: str) -> bool:
        """Forget a credential and remove its secret parts.

        Returns:
            Whether they are gone from the provider; if not, they are removed at the next chance.
        """
        seen = self._gate.resource(admission, self._catalog, reference)
        gone = self._catalog.remove(seen.id, self._secrets.mark)
        removed = gone is None or self._secrets.drop(gone)
        self._secrets.sweep()
        outcome = (
            "deleted" if removed else "deleted; its secret parts are yet to be removed from the provider"
        )
        self._gate.done(admission, seen.id, f"credential {seen.name} {outcome}")
        return removed

    @operation(apis.CREDENTIALS_DELETE_REFERENCES)
    def delete_references(self, admission: Admission, reference: str) -> None:
        """Forget what waits for a credential. Nothing does yet: no backup is kept by this node.

        A credential that is gone is no error for the storage administrator, who alone is told so.
        """
        if is_storage_administrator(admission.principal):
            self._catalog.check_reference(reference)
            if self._catalog.find(reference) is None:
                return
        self._gate.resource(admission, self._catalog, reference)

    def recover(self) -> None:
        """Remove from the provider what a crash left there; for the start of a node."""
        self._secrets.sweep()

    @contextmanager
    def _all_parts(
        self, record: CredentialRecord, spec: CredentialSpec | None
    ) -> Iterator[Mapping[SecretPart, SecretBytes]]:
        """Yield the secret parts of a credential after an update, and wipe those that were fetched.

        ``None`` for an update that needs none of them.
        """
        if spec is None:
            yield {}
            return
        known = record.secret is None or spec.parts.keys() >= set(record.secret.parts)
        fetched = {} if known else self._secrets.fetch(record.secret)
        try:
            yield {**fetched, **spec.parts}
        finally:
            for part in fetched.values():
                part.wipe()

    def _expect_free(self, name: str) -> None:
        if self._catalog.find(name) is not None:  # said early; what counts is said by the transaction
            raise CredentialExistsError("name: another credential has it already")


def _named_by(admission: Admission, account: Account) -> Account:
    """Note on an S3 account whether a storage administrator named its endpoint."""
    if not isinstance(account, S3Account):
        return account
    return msgspec.structs.replace(
        account, set_by_administrator=is_storage_administrator(admission.principal)
    )


def _merged(admission: Admission, present: Account, spec: CredentialSpec) -> Account:
    if spec.account is None:
        return present
    if type(spec.account) is not type(present):
        raise InvalidInputError(f"credential_type: expected {FIELD[type(present)]}, which it is")
    named = {
        name: value
        for name in spec.account.__struct_fields__
        if isinstance(value := getattr(spec.account, name), bool) or value
    }
    merged = msgspec.structs.replace(present, **named)
    if _target(merged) == _target(present):
        return _as_named_before(merged, present)
    own = SECRET_OF.get(type(present))
    if own is not None and own not in spec.parts:
        raise InvalidInputError(
            f"{FIELD[type(present)]}.{own.value}: expected it again, because the place that it is for changes"
        )
    return _named_by(admission, merged)


def _target(account: Account) -> tuple[str | bool, ...]:
    """Return what says where a secret part is sent to, or what it belongs to."""
    match account:
        case S3Account():
            return account.access_key, account.endpoint, account.disable_ssl
        case AzureAccount():
            return (account.account_name,)
        case GoogleAccount():
            return (account.project_id,)
        case NfsExport():
            return (account.server,)


def _as_named_before(account: Account, present: Account) -> Account:
    if not isinstance(account, S3Account) or not isinstance(present, S3Account):
        return account
    return msgspec.structs.replace(account, set_by_administrator=present.set_by_administrator)
