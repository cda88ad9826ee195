"""Service ``Policy``: storage policies, which say what new volumes may be.

Which policy counts for everybody is for storage administrators alone to say: to set it, to release it, and to
delete the one that is set. Otherwise a policy is a resource like others. An update keeps what it does not
name; above all, it never removes the owner.
"""

from dataclasses import dataclass

import msgspec

from holdfast.clock import Clock
from holdfast.errors import InvalidInputError
from holdfast.node import apis
from holdfast.node.access.access_changes import change_access, note_update, ownership_words
from holdfast.node.access.gate import Gate
from holdfast.node.access.ownership_note import note_of
from holdfast.node.api import Admission, operation
from holdfast.node.errors import AdministratorOnlyError
from holdfast.node.policies.policy_catalog import PolicyCatalog
from holdfast.node.policies.policy_records import PolicyRecord, check_policy_name
from holdfast.node.policies.volume_rules import VolumeRules
from holdfast.policy.ownership import AccessControl, Ownership, is_storage_administrator
from holdfast.policy.ownership_change import AccessChange, ownership_on_create, ownership_on_update

SWITCHES = frozenset({"force", "allow_update"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySpec:
    """What a policy is to be.

    Attributes:
        name: unique within the cluster.
        rules: what it asks of volumes; ``None`` in an update: they stay.
        force: see ``PolicyRecord``.
        allow_update: see ``PolicyRecord``.
        owner: only in an update, and only by the storage administrator.
        acls: who else may use it; ``None`` in an update: the list stays.
    """

    name: str
    rules: VolumeRules | None = None
    force: bool = False
    allow_update: bool = False
    owner: str | None = None
    acls: AccessControl | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """An update that keeps the rules that it does not name.

    Attributes:
        remove: names of rules, and of the switches ``force`` and ``allow_update``, that are to go.
    """

    remove: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ShownPolicy:
    """A policy as a caller may see it.

    Attributes:
        record: the policy.
        is_default: whether it counts for volumes that name none.
        with_ownership: whether the caller may know whom it belongs to.
    """

    record: PolicyRecord
    is_default: bool
    with_ownership: bool = True


class PolicyService:
    """Policies and which of them is the default."""

    def __init__(self, *, gate: Gate, catalog: PolicyCatalog, clock: Clock) -> None:
        self._gate = gate
        self._catalog = catalog
        self._clock = clock

    @operation(apis.POLICY_CREATE)
    def create(self, admission: Admission, spec: PolicySpec) -> PolicyRecord:
        """Store a policy; it belongs to the caller.

        Raises:
            InvalidInputError: a field cannot be right; names it.
            PolicyExistsError: the name is taken.
            SecretDeniedError: the caller may not name that secret.
        """
        check_policy_name(spec.name)
        if spec.rules is None:
            raise InvalidInputError("policy: Must supply Volume Specs")
        spec.rules.check()
        self._gate.secret(admission, spec.rules.secret_name or "")
        record = PolicyRecord(
            name=spec.name,
            rules=spec.rules,
            force=spec.force,
            allow_update=spec.allow_update,
            created_at=int(self._clock.now()),
            stored_ownership=note_of(ownership_on_create(admission.principal, spec.acls)),
        )
        self._catalog.insert(record)
        owned = ownership_words(record.ownership)
        self._gate.done(admission, record.name, "storage policy created", after=owned)
        return record

    @operation(apis.POLICY_UPDATE)
    def update(self, admission: Admission, spec: PolicySpec, *, merge: Merge | None = None) -> PolicyRecord:
        """Change a policy. It counts for what is done to volumes from then on.

        Args:
            admission: of the caller.
            spec: what it is to be.
            merge: keep the rules and switches that ``spec`` does not name, but for some. Without it, rules
                that are given replace the old ones whole, and the switches are then as ``spec`` says.

        Raises:
            PermissionDeniedError: it is about whom it belongs to, and the caller may not change that.
            InvalidInputError: a field cannot be right; names it.
            SecretDeniedError: the caller may not name that secret.
        """
        self._gate.resource(admission, self._catalog, spec.name)
        if spec.rules is not None:
            self._gate.secret(admission, spec.rules.secret_name or "")

        earlier: list[Ownership] = []

        def edit(now: PolicyRecord) -> PolicyRecord:
            earlier[:] = [now.ownership]  # the last time counts: storage may repeat a change
            ownership = ownership_on_update(
                admission.principal, now.ownership, owner=spec.owner, acls=spec.acls
            )
            rules = spec.rules if spec.rules is not None else now.rules
            force, allow_update = spec.force, spec.allow_update
            if merge is None and spec.rules is None:
                force, allow_update = now.force, now.allow_update  # it is about ownership alone
            if merge is not None:
                rules = _merged(now.rules, spec.rules, merge)
                force = (force or now.force) and "force" not in merge.remove
                allow_update = (allow_update or now.allow_update) and "allow_update" not in merge.remove
            rules.check()
            return msgspec.structs.replace(
                now,
                rules=rules,
                force=force,
                allow_update=allow_update,
                stored_ownership=note_of(ownership),
            )

        record = self._catalog.update(spec.name, edit)
        outcome = "storage policy updated"
        note_update(self._gate, admission, record.name, outcome, before=earlier[0], after=record.ownership)
        return record

    @operation(apis.POLICY_ACCESS_UPDATE)
    def update_access(self, admission: Admission, name: str, change: AccessChange) -> PolicyRecord:
        """Change whom a policy belongs to and who may use it; raises as ``change_access``."""
        return change_access(self._gate, admission, self._catalog, name, change)

    @operation(apis.POLICY_ENUMERATE)
    def enumerate(self, admission: Admission) -> list[ShownPolicy]:
        """Return the policies that the caller may read."""
        name = self._default_name()
        return [
            ShownPolicy(record, record.name == name)
            for record in self._gate.visible(admission, self._catalog)
        ]

    @operation(apis.POLICY_INSPECT)
    def inspect(self, admission: Admission, name: str) -> ShownPolicy:
        """Return one policy."""
        record = self._gate.resource(admission, self._catalog, name)
        return ShownPolicy(record, record.name == self._default_name())

    @operation(apis.POLICY_DELETE)
    def delete(self, admission: Admission, name: str) -> None:
        """Forget a policy. Volumes that were made under it keep what they have, and are free of it.

        Raises:
            AdministratorOnlyError: it is the default, and the caller is not the storage administrator.
        """
        record = self._gate.resource(admission, self._catalog, name)
        was_default = self._catalog.remove(
            record.name, check_default=lambda: _expect_administrator(admission, "delete the default policy")
        )
        outcome = "deleted; there is no default policy any more" if was_default else "deleted"
        self._gate.done(admission, record.name, f"storage policy {outcome}")

    @operation(apis.POLICY_SET_DEFAULT)
    def set_default(self, admission: Admission, name: str) -> None:
        """Let a policy count for volumes that name none.

        Raises:
            AdministratorOnlyError: the caller is not the storage administrator.
            NotFoundError: there is no such policy.
        """
        check_policy_name(name)
        _expect_administrator(admission, "set the default policy")
        record = self._gate.resource(admission, self._catalog, name)
        self._catalog.set_default(record.name)
        self._gate.done(admission, record.name, "storage policy is the default")

    @operation(apis.POLICY_DEFAULT_INSPECT)
    def default_inspect(self, admission: Admission) -> ShownPolicy | None:
        """Return the policy that counts for volumes that name none, if there is one.

        Everybody whom it concerns may know its rules; whom it belongs to, only who may read it.
        """
        record = self._catalog.default()
        if record is None:
            return None
        return ShownPolicy(record, is_default=True, with_ownership=self._gate.may_read(admission, record))

    @operation(apis.POLICY_RELEASE)
    def release(self, admission: Admission) -> None:
        """Let no policy count for volumes that name none. That none did is no error.

        Raises:
            AdministratorOnlyError: the caller is not the storage administrator.
        """
        _expect_administrator(admission, "release the default policy")
        before = self._default_name()
        self._catalog.set_default(None)
        self._gate.done(admission, before or "none", "there is no default storage policy")

    def _default_name(self) -> str:
        record = self._catalog.default()
        return "" if record is None else record.name


def _expect_administrator(admission: Admission, what: str) -> None:
    if not is_storage_administrator(admission.principal):
        raise AdministratorOnlyError(f"only the storage system admin may {what}")


# Which fields of the rules each name of the API stands for.
RULE_FIELDS = {
    "size": ("size_bytes", "size_operator", "size_limit_bytes"),
    "encrypted": ("encrypted",),
    "passphrase": ("secret_name",),
    "volume_labels": ("labels",),
    "formats": ("file_systems",),
    "ha_level": ("copies", "copies_operator"),
}


def _merged(present: VolumeRules, named: VolumeRules | None, merge: Merge) -> VolumeRules:
    if merge.remove - RULE_FIELDS.keys() - SWITCHES:
        known = ", ".join((*RULE_FIELDS, *sorted(SWITCHES)))
        raise InvalidInputError(f"remove: expected names among {known}")
    none, rules = VolumeRules(), present
    for name, fields in RULE_FIELDS.items():
        given = named is not None and any(getattr(named, part) != getattr(none, part) for part in fields)
        if given and name in merge.remove:
            raise InvalidInputError("remove: expected no rule to be both given and removed")
        if given or name in merge.remove:
            source = named if given and named is not None else none
            rules = msgspec.structs.replace(rules, **{part: getattr(source, part) for part in fields})
    return rules
