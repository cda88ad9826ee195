"""What a process holds while the store is open: the keyring, and what it has read with it.

Mounts, policies and tokens are kept decrypted in memory, because every request needs them, and are
dropped all together when the shared change counter moves. The writer moves the counter after the
commit and before anybody is told of the change; a request that starts later therefore never acts on
what was there before. Values of secrets are never kept.

Each namespace has one of its own inside that of the root namespace; it holds what the namespace holds, and
shares what there is once.

Sealing is dropping this object.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache, partial
from math import inf
from typing import Any, TypeVar

from holdfast.audit import AuditTarget, DeviceSettings
from holdfast.barrier import BarrierReader, Keyring
from holdfast.errors import InternalError, NotFoundError, UnauthenticatedError
from holdfast.iam.settings import IamSettings
from holdfast.policy.acl import Acl, Capability, PolicySet, Resolved
from holdfast.policy.decision import Decision
from holdfast.policy.templates import Subject
from holdfast.storage.interface import Storage
from holdfast.store.audit.devices import load_audit_devices
from holdfast.store.audit.headers import load_audit_headers
from holdfast.store.audit.keys import load_audit_keys
from holdfast.store.auth.mounts import AuthTable, load_auth_mounts
from holdfast.store.caller import Caller
from holdfast.store.changes import Counter
from holdfast.store.cluster import load_cluster
from holdfast.store.destination import Destination, Mounted
from holdfast.store.facts import Facts
from holdfast.store.iam.auth_tokens import is_user_token
from holdfast.store.iam.user_callers import UserCallers
from holdfast.store.identity.known import NOBODY, Known, groups_of, known_as, policies_of
from holdfast.store.identity.names import Names
from holdfast.store.layout import (
    AUDIT,
    CONFIG,
    IAM,
    IDENTITY,
    MOUNTS,
    NAMESPACES,
    POLICIES,
    TOKENS,
    Place,
    engine_place,
    reading,
)
from holdfast.store.login_alias import LoginAlias
from holdfast.store.mount_notes import shown_in_audit
from holdfast.store.mounts import Mount, MountTable, load_mounts
from holdfast.store.namespaces.inside import Inside
from holdfast.store.namespaces.records import ROOT, Namespace
from holdfast.store.policy_records import load_policy
from holdfast.store.quotas.gate import QuotaTable
from holdfast.store.quotas.records import Quotas, load_quotas
from holdfast.store.request import Operation
from holdfast.store.tokens import batch as batch_tokens
from holdfast.store.tokens.batch import is_batch_token
from holdfast.store.tokens.records import TokenEntry, TokenHasher, live_until, load

TOKEN_KEY = "token-key"  # noqa: S105 - where it lies
KEPT_ROOT_TOKEN = "root-token"  # noqa: S105 - where it lies
MAX_CACHED_TOKENS = 20_000
MAX_CACHED_GUESTS = 1000
MAX_CACHED_IN_NAMESPACE = 1000
MAX_REMEMBERED_DECISIONS = 16_384
MAX_REMEMBERED_OF_ONE = 256  # decisions about somebody whose table is his alone
MAX_TABLES_OF_ONE = 4096
MAX_REMEMBERED_DESTINATIONS = 16_384
MAX_REMEMBERED_NAMES = 4_096
MAX_REMEMBERED_IN_NAMESPACE = 1024
MAX_TOKEN_LENGTH = batch_tokens.MAX_BATCH_TOKEN_LENGTH  # no other kind gets as long


_Rules = tuple[Acl, Callable[[str, Capability], Decision]]
"""A table, and the same with a bounded memory of earlier decisions."""

T = TypeVar("T")


class OpenStore:
    """The open store, as one process sees it; or one namespace of it.

    Args:
        storage: where the records are.
        keyring: opens them.
        counter: tells when what is kept here is out of date.
        iam: what the operator decided about users.
        secret_mounts: which mount holds the secrets of which store, for the permissions of users.
        facts: what is known of the server around it.
        root: the open store that this is a namespace of; ``None`` for the root namespace.
        namespace: which one.

    Attributes:
        keyring: as given.
        namespace: as given.
        namespaces: the others, from the root namespace.
        hasher: makes token names.
        cluster: what the store calls itself.
        mounts: the mount table.
        auth_mounts: the table of auth mounts.
        facts: as given.
        audit_devices: those that the API added.
        audit_headers: headers of requests that audit lines show, and whether each is hashed.
        stores_by_mount: versioned mounts by the name under which the DC/OS API knows them.
        users: users of the IAM as callers.
        destination: returns where an ``Operation`` on a path leads; remembers until the mounts change.
        names: of the identity.
    """

    def __init__(
        self,
        storage: Storage,
        keyring: Keyring,
        counter: Counter,
        *,
        iam: IamSettings,
        secret_mounts: Callable[[], Mapping[str, str]],
        facts: Facts | None = None,
        root: "OpenStore | None" = None,
        namespace: Namespace = ROOT,
    ) -> None:
        self.facts = facts or Facts()
        self._storage = storage
        self._counter = counter
        self.keyring = keyring
        self.namespace = namespace
        self._home = namespace.home
        self._root = root
        self._guests: dict[str, tuple[Caller, Caller]] = {}
        if root is None:
            self.hasher = TokenHasher(load_token_key(storage, keyring))
            self.cluster = load_cluster(reading(storage, keyring, CONFIG))
            self.namespaces = Inside(
                self,
                partial(self.view, NAMESPACES),
                lambda inner: OpenStore(
                    storage,
                    keyring,
                    counter,
                    iam=iam,
                    secret_mounts=secret_mounts,
                    facts=self.facts,
                    root=self,
                    namespace=inner,
                ),
            )
        else:
            self.hasher = root.hasher.within(namespace)
            self.cluster = root.cluster
            self.namespaces = root.namespaces
        self._seen_change = -1
        self._callers: OrderedDict[str, Caller] = OrderedDict()
        self._acls: dict[tuple[str, ...], _Rules] = {}
        self._own_acls: OrderedDict[tuple[tuple[str, ...], Resolved], _Rules] = OrderedDict()
        self._policy_sets: dict[tuple[str, ...], PolicySet] = {}
        self._worked_out: OrderedDict[Hashable, Any] = OrderedDict()
        self.names = Names(self.hasher, remembered=MAX_REMEMBERED_NAMES)
        self.users: UserCallers = (
            root.users if root else UserCallers(partial(self.snapshot, IAM), iam, secret_mounts)
        )
        self.mounts = MountTable(())
        self._quotas = QuotaTable(Quotas())
        self._loaded_quotas = Quotas()
        self.audit_devices: tuple[DeviceSettings, ...] = ()
        self.audit_headers: dict[str, bool] = {}
        self.auth_mounts = AuthTable()
        self.stores_by_mount: dict[str, str] = {}
        remembered = MAX_REMEMBERED_IN_NAMESPACE if root else MAX_REMEMBERED_DESTINATIONS
        self.destination = lru_cache(maxsize=remembered)(self._find_destination)
        self._inside_mounts: dict[str, tuple[BarrierReader, dict[str, Any]]] = {}
        self.refresh()

    def refresh(self) -> None:
        """Drop what is kept if anything shared has changed. Call once at the start of a request."""
        change = self._counter.read()
        if change == self._seen_change:
            return
        # The counter is read first: a change that lands while we read is seen by the next request.
        self._callers.clear()
        self._guests.clear()
        self._acls.clear()
        self._own_acls.clear()
        self._policy_sets.clear()
        self._worked_out.clear()
        if self._root is None:
            self._refresh_common()
        with self.snapshot(MOUNTS) as view:
            mounts, auth_mounts = load_mounts(view), load_auth_mounts(view)
        if mounts != self.mounts or auth_mounts.mounts != self.auth_mounts.mounts:
            self.mounts, self.auth_mounts = mounts, auth_mounts
            self.stores_by_mount = {
                mount.path[:-1]: mount.path
                for mount in mounts.mounts
                if mount.type == "kv" and mount.is_versioned and mount.path.count("/") == 1
            }
            self.destination.cache_clear()
            self._inside_mounts.clear()
        self._seen_change = change

    def _refresh_common(self) -> None:
        """Drop what is kept, and read what is needed, of what there is once for all namespaces."""
        self.users.forget()
        self.namespaces.forget()
        devices = load_audit_devices(self.view(CONFIG))
        if devices != self.audit_devices:
            self.audit_devices = devices
        self.audit_headers = load_audit_headers(self.view(CONFIG))
        quotas = load_quotas(self.view(CONFIG))
        if quotas != self._loaded_quotas:
            self._quotas, self._loaded_quotas = QuotaTable(quotas), quotas

    @property
    def quotas(self) -> QuotaTable:
        """How many requests one address may send; there is one table for all namespaces."""
        return self._quotas if self._root is None else self._root.quotas

    def authenticate(self, token: str, now: float) -> Caller:
        """Return who a token belongs to at ``now``, in Unix seconds, as seen from this namespace.

        Raises:
            UnauthenticatedError: no token, or none that is known and alive, or one that is of a namespace
                which this one is not in. All of these read the same from outside.
        """
        if self._root is None:
            return self.authenticate_own(token, now)
        home = self.namespaces.home_of(token)
        if home is self:
            return self.authenticate_own(token, now)
        if home is None or not self.namespace.is_at_or_below(home.namespace):
            raise UnauthenticatedError("permission denied", reason="of another namespace")
        caller = home.authenticate_own(token, now)
        known = self._guests.get(caller.token_hash)
        if known is None or known[0] is not caller:
            if len(self._guests) >= MAX_CACHED_GUESTS:
                self._guests.clear()
            between = self.namespace.path[len(home.namespace.path) :]
            known = self._guests[caller.token_hash] = (caller, self._with_groups(caller.seen_from(between)))
        return known[1]

    def authenticate_own(self, token: str, now: float) -> Caller:
        """Return who a token of this very namespace belongs to at ``now``, in Unix seconds.

        Raises:
            UnauthenticatedError: no token, or none that is known and alive.
        """
        if not token or len(token) > MAX_TOKEN_LENGTH:
            raise UnauthenticatedError("permission denied", reason="missing" if not token else "malformed")
        token_hash = self.hasher.token(token)
        caller = self._callers.get(token_hash) or self._load_caller(token, token_hash, now)
        if now >= caller.live_until:
            raise UnauthenticatedError("permission denied", reason="expired")
        return caller

    def nobody(self) -> Caller:
        """Return who asks without a token, or whatever his token may be: nobody, who may do nothing."""
        entry = TokenEntry(accessor="", policies=(), path="", display_name="", meta={}, created_at=0.0)
        return Caller("", entry, *self._acl(()), inf)

    def view(self, place: Place) -> BarrierReader:
        """Return a view that reads ``place``; each read sees the newest committed state."""
        return reading(self._storage, self.keyring, place.within(self._home))

    @contextmanager
    def snapshot(self, place: Place) -> Iterator[BarrierReader]:
        """Open a view of ``place`` in which all reads see one state."""
        with self._storage.snapshot() as snapshot:
            yield reading(snapshot, self.keyring, place.within(self._home))

    @contextmanager
    def one_state(self) -> Iterator[Callable[[Place], BarrierReader]]:
        """Open views of any places in which all reads see one state; yields what makes them."""
        with self._storage.snapshot() as snapshot:
            yield lambda place: reading(snapshot, self.keyring, place.within(self._home))

    def destination_in(self, namespace: str, operation: Operation, path: str) -> Destination:
        """Return where an operation on a path leads in the namespace at ``namespace``."""
        try:
            return self.namespaces.at(namespace).destination(operation, path)
        except NotFoundError:
            return Destination(AuditTarget(operation, path, namespace=namespace))

    def audit_keys(self) -> dict[str, bytes]:
        """Return the key of each audit device that has one."""
        return load_audit_keys(self.view(AUDIT))

    def known(self, entry: TokenEntry) -> Known:
        """Return who the bearer of a token of this namespace is, beside what the token says."""
        if entry.alias is None:
            return NOBODY
        alias = entry.alias.expanded(entry.meta)
        said = tuple(alias.metadata.items())
        key = ("known", alias.home, alias.mount, alias.name, alias.groups, alias.linked, said)
        return self.until_change(key, partial(self._known, alias)).of_token(entry.created_at)

    def until_change(self, key: Hashable, work: Callable[[], T]) -> T:
        """Return what ``work`` makes of shared records, or has made of them since anything shared changed.

        Args:
            key: all that it depends on beside these records.
            work: reads them, and has no other effect.
        """
        found: T | None = self._worked_out.get(key)
        if found is None:
            found = self._worked_out[key] = work()
            if len(self._worked_out) > MAX_REMEMBERED_NAMES:
                self._worked_out.popitem(last=False)
        return found

    def _known(self, alias: LoginAlias) -> Known:
        home = alias.home
        if home == self.namespace.uuid:
            with self.snapshot(IDENTITY) as view:
                return known_as(view, self.names, alias)
        above = Namespace(home, "", "")
        view = reading(self._storage, self.keyring, IDENTITY.within(above.home))
        known = known_as(view, Names(self.hasher.within(above)), alias)
        return known.elsewhere(self._policies_here(known))

    def _with_groups(self, caller: Caller) -> Caller:
        """Return a caller from a namespace above with what groups of this one give to his entity."""
        policies = self._policies_here(caller.known)
        return caller.along_with(self._acl(policies, caller.known.subject)[0]) if policies else caller

    def _policies_here(self, known: Known) -> tuple[str, ...]:
        if not known.entity_id:
            return ()
        with self.snapshot(IDENTITY) as view:
            return policies_of(groups_of(view, self.names, known.entity_id))

    def acl_of(self, entry: TokenEntry) -> Acl:
        """Return what a token allows; nothing if whoever it belongs to is no longer let in."""
        known = self.known(entry)
        return self._acl(() if known.refusal else known.all_policies(entry.policies), known.subject)[0]

    def _find_destination(self, operation: Operation, path: str) -> Destination:
        mount = self.mounts.find(path) or self.mounts.find(path + "/")  # ``secret`` means ``secret/``
        if mount is None:
            target = partial(AuditTarget, namespace=self.namespace.path, namespace_id=self.namespace.id)
            auth_mount = self.auth_mounts.find(path) if path.startswith("auth/") else None
            if auth_mount is None:
                return Destination(target(operation, path))
            where = f"auth/{auth_mount.path}"
            shown = shown_in_audit(auth_mount.notes)
            return Destination(
                target(operation, path, mount_point=where, mount_type=auth_mount.type, **shown)
            )
        inside = self._inside_mounts.get(mount.path)
        if inside is None:
            inside = self._inside_mounts[mount.path] = self._inside(mount)
        view, around = inside
        return Destination(
            AuditTarget(operation, path, **around), Mounted(mount, path[len(mount.path) :], view)
        )

    def _inside(self, mount: Mount) -> tuple[BarrierReader, dict[str, Any]]:
        """Return what all paths below a mount have in common: what reads them, and what audit lines say."""
        return self.view(engine_place(mount.storage_prefix)), {
            "mount_point": mount.path,
            "mount_type": mount.type,
            "namespace": self.namespace.path,
            "namespace_id": self.namespace.id,
            **shown_in_audit(mount.notes),
        }

    def _load_caller(self, token: str, token_hash: str, now: float) -> Caller:
        if is_user_token(token):
            caller = self.users.load(token, token_hash, now)
        else:
            caller = self._load_bearer(token, token_hash)
        self._callers[token_hash] = caller
        if len(self._callers) > (MAX_CACHED_TOKENS if self._root is None else MAX_CACHED_IN_NAMESPACE):
            self._callers.popitem(last=False)
        return caller

    def _load_bearer(self, token: str, token_hash: str) -> Caller:
        with self.snapshot(TOKENS) as view:
            if is_batch_token(token):
                entry: TokenEntry | None = batch_tokens.read(self.keyring, self.hasher, token)
            else:
                entry = load(view, token_hash)
            until = 0.0 if entry is None else live_until(view, entry)
        if entry is None:
            raise UnauthenticatedError("permission denied", reason="unknown")
        if not until or (entry.mount and not self.auth_mounts.stands_for(entry.mount, entry.created_at)):
            raise UnauthenticatedError("permission denied", reason="revoked")
        known = self.known(entry)
        if known.refusal:
            raise UnauthenticatedError("permission denied", reason=known.refusal)
        rules = self._acl(known.all_policies(entry.policies), known.subject)
        return Caller(token_hash, entry, *rules, until, known=known)

    def _acl(self, names: tuple[str, ...], subject: Subject | None = None) -> _Rules:
        """Return the table for policies, and for ``subject`` if it matters to them who asks."""
        known = self._acls.get(names)
        if known is not None:
            return known
        policy_set = self._policy_set(names)
        if not policy_set.has_templates:
            rules = self._acls[names] = _remembering(policy_set.acl(), MAX_REMEMBERED_DECISIONS)
            return rules
        key = (names, policy_set.resolve(subject))
        rules_of_one = self._own_acls.get(key)
        if rules_of_one is None:
            remembered = MAX_REMEMBERED_DECISIONS if subject is None else MAX_REMEMBERED_OF_ONE
            rules_of_one = self._own_acls[key] = _remembering(policy_set.acl(key[1]), remembered)
            if len(self._own_acls) > MAX_TABLES_OF_ONE:
                self._own_acls.popitem(last=False)
        return rules_of_one

    def _policy_set(self, names: tuple[str, ...]) -> PolicySet:
        known = self._policy_sets.get(names)
        if known is None:
            with self.snapshot(POLICIES) as view:
                policies = [
                    policy
                    for name in names
                    # Everything is for the root namespace to allow.
                    if (name != "root" or self._root is None)
                    and (policy := load_policy(view, name)) is not None
                ]
            known = self._policy_sets[names] = PolicySet(policies)
        return known


def _remembering(acl: Acl, remembered: int) -> _Rules:
    return acl, lru_cache(maxsize=remembered)(acl.decide)


def load_token_key(storage: Storage, keyring: Keyring) -> bytes:
    """Return the key of the token hashes.

    Raises:
        InternalError: the key is missing, which an engine that commits atomically cannot cause.
    """
    key = reading(storage, keyring, CONFIG).get(TOKEN_KEY)
    if key is None:
        raise InternalError("the store holds no token key")
    return key
