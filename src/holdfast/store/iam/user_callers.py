"""From a user's token to a caller: is it genuine, is it alive, and what was its user granted.

Every refusal reads the same from outside; the reason is for the audit trail. Nothing is kept here but parsed
keys and, until something shared changes, what each user's grants open.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import lru_cache

from holdfast.barrier import BarrierReader
from holdfast.errors import UnauthenticatedError
from holdfast.iam import directory
from holdfast.iam.directory import User
from holdfast.iam.passwords import Passwords
from holdfast.iam.permissions import rights_of
from holdfast.iam.settings import IamSettings
from holdfast.policy.acl import Capability
from holdfast.policy.decision import Decision
from holdfast.policy.grant_table import GrantTable
from holdfast.storage.interface import Reader
from holdfast.store.caller import Caller, UserToken
from holdfast.store.iam.auth_tokens import read_auth_token
from holdfast.store.iam.path_grants import OWN_GRANTS, path_grants
from holdfast.store.iam.revocations import is_revoked
from holdfast.store.iam.signing_keys import SigningKeys
from holdfast.store.tokens.records import TokenEntry
from holdfast.tokens.errors import Reason, TokenError

LOGIN_PATH = "acs/auth/login"
DENIED = "permission denied"
MAX_REMEMBERED_DECISIONS = 256  # of one user

Decide = Callable[[str, Capability], Decision]


class UserCallers:
    """Users as callers of one open store.

    Args:
        snapshot: opens a consistent view of the IAM's records.
        settings: what the operator decided.
        secret_mounts: which mount holds the secrets of which store.

    Attributes:
        keys: sign and verify tokens.
        passwords: hashes and checks them at the configured cost.
        settings: as given.
    """

    def __init__(
        self,
        snapshot: Callable[[], AbstractContextManager[BarrierReader]],
        settings: IamSettings,
        secret_mounts: Callable[[], Mapping[str, str]],
    ) -> None:
        self._snapshot = snapshot
        self._secret_mounts = secret_mounts
        self._tables: dict[str, tuple[GrantTable, Decide]] = {}
        self.settings = settings
        self.keys = SigningKeys()
        self.passwords = Passwords(settings.password_cost, least_length=settings.least_password_length)

    def forget(self) -> None:
        """Drop what is kept, because something shared has changed."""
        self._tables.clear()
        self.keys.forget()

    def load(self, token: str, token_hash: str, now: float) -> Caller:
        """Return who a user's token belongs to.

        Raises:
            UnauthenticatedError: it is not genuine, or does not count any more.
        """
        with self._snapshot() as view:
            user_token, user = self._verified(view, token, now)
            table, decide = self._table(view, user_token.uid, user)
        entry = TokenEntry(
            accessor="",
            policies=("root",) if table.is_root else (),
            path=LOGIN_PATH,
            display_name=user_token.uid,
            meta={"uid": user_token.uid},
            created_at=user_token.expires_at - self.settings.token_lifetime_seconds,
            ttl_seconds=self.settings.token_lifetime_seconds,
            expires_at=float(user_token.expires_at),
        )
        return Caller(token_hash, entry, table, decide, float(user_token.expires_at), user_token=user_token)

    def find(self, token: str, now: float) -> UserToken | None:
        """Return what names a user's token, if it is genuine and counts; ``None`` otherwise."""
        try:
            with self._snapshot() as view:
                return self._verified(view, token, now)[0]
        except UnauthenticatedError:
            return None

    def _verified(self, view: Reader, token: str, now: float) -> tuple[UserToken, User]:
        try:
            said = read_auth_token(token, lambda key_id: self.keys.verifying(view, key_id, now))
        except TokenError as error:
            raise UnauthenticatedError(DENIED, reason=error.reason) from None
        if now >= said.expires_at:
            raise UnauthenticatedError(DENIED, reason=Reason.EXPIRED)
        user = directory.load_user(view, said.uid)
        user_token = UserToken(said.uid, said.token_id, said.expires_at)
        if user is None or user.generation != said.generation or is_revoked(view, user_token):
            raise UnauthenticatedError(DENIED, reason=Reason.REVOKED)
        return user_token, user

    def _table(self, view: Reader, uid: str, user: User) -> tuple[GrantTable, Decide]:
        known = self._tables.get(uid)
        if known is None:
            rights = rights_of(directory.grants_of(view, user))
            grants = (*OWN_GRANTS, *path_grants(rights, self._secret_mounts()))
            table = GrantTable(grants, is_root=rights.is_superuser)
            known = self._tables[uid] = (table, lru_cache(maxsize=MAX_REMEMBERED_DECISIONS)(table.decide))
        return known
