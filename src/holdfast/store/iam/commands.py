"""Changes to users, groups, permissions, tokens and signing keys, as commands for the writer.

What makes a change valid is decided in ``iam.changes``, inside the transaction. Passwords never get here: the
process that was asked hashes them first.
"""

from enum import StrEnum
from typing import ClassVar

from holdfast.iam import changes
from holdfast.iam.directory import User
from holdfast.iam.names import Action
from holdfast.store.caller import UserToken
from holdfast.store.command import Command, Scope
from holdfast.store.iam import revocations, signing_keys
from holdfast.store.iam.signing_keys import NewKey
from holdfast.store.layout import IAM
from holdfast.store.request import Answer


class IamCommand(Command, frozen=True):
    """Base of the changes here: all of them touch what readers keep in memory."""

    shared: ClassVar[bool] = True


class CreateUser(IamCommand, frozen=True, kw_only=True):
    """Add a user."""

    uid: str
    user: User

    def run(self, scope: Scope) -> Answer:
        """Add him, or refuse."""
        changes.create_user(scope.view(IAM), self.uid, self.user)
        return Answer()


class ChangeUser(IamCommand, frozen=True, kw_only=True):
    """Change what is given; ``password`` is an argon2id record."""

    uid: str
    description: str | None = None
    password: str = ""
    public_key: str = ""

    def run(self, scope: Scope) -> Answer:
        """Change it, or refuse."""
        changes.change_user(
            scope.view(IAM),
            self.uid,
            description=self.description,
            password=self.password,
            public_key=self.public_key,
        )
        return Answer()


class RenewPasswordRecord(IamCommand, frozen=True, kw_only=True):
    """Keep a password at another cost than before."""

    uid: str
    old: str
    new: str

    def run(self, scope: Scope) -> Answer:
        """Replace the record, unless the password has changed meanwhile."""
        changes.renew_password_record(scope.view(IAM), self.uid, old=self.old, new=self.new)
        return Answer()


class RemoveUser(IamCommand, frozen=True, kw_only=True):
    """Remove a user and end his tokens."""

    uid: str

    def run(self, scope: Scope) -> Answer:
        """Remove him, or refuse."""
        changes.remove_user(scope.view(IAM), self.uid)
        return Answer()


class CreateGroup(IamCommand, frozen=True, kw_only=True):
    """Add a group."""

    gid: str
    description: str

    def run(self, scope: Scope) -> Answer:
        """Add it, or refuse."""
        changes.create_group(scope.view(IAM), self.gid, self.description)
        return Answer()


class DescribeGroup(IamCommand, frozen=True, kw_only=True):
    """Change the description of a group."""

    gid: str
    description: str

    def run(self, scope: Scope) -> Answer:
        """Change it, or refuse."""
        changes.describe_group(scope.view(IAM), self.gid, self.description)
        return Answer()


class RemoveGroup(IamCommand, frozen=True, kw_only=True):
    """Remove a group."""

    gid: str

    def run(self, scope: Scope) -> Answer:
        """Remove it, or refuse."""
        changes.remove_group(scope.view(IAM), self.gid)
        return Answer()


class AddMember(IamCommand, frozen=True, kw_only=True):
    """Put a user into a group."""

    gid: str
    uid: str

    def run(self, scope: Scope) -> Answer:
        """Put him in, or refuse."""
        changes.add_member(scope.view(IAM), self.gid, self.uid)
        return Answer()


class RemoveMember(IamCommand, frozen=True, kw_only=True):
    """Take a user out of a group."""

    gid: str
    uid: str

    def run(self, scope: Scope) -> Answer:
        """Take him out, or refuse."""
        changes.remove_member(scope.view(IAM), self.gid, self.uid)
        return Answer()


class CreateAcl(IamCommand, frozen=True, kw_only=True):
    """Add a resource that permissions can be granted on."""

    rid: str
    description: str

    def run(self, scope: Scope) -> Answer:
        """Add it, or refuse."""
        changes.create_acl(scope.view(IAM), self.rid, self.description)
        return Answer()


class DescribeAcl(IamCommand, frozen=True, kw_only=True):
    """Change the description of a resource."""

    rid: str
    description: str

    def run(self, scope: Scope) -> Answer:
        """Change it, or refuse."""
        changes.describe_acl(scope.view(IAM), self.rid, self.description)
        return Answer()


class RemoveAcl(IamCommand, frozen=True, kw_only=True):
    """Remove a resource with all permissions on it."""

    rid: str

    def run(self, scope: Scope) -> Answer:
        """Remove it, or refuse."""
        changes.remove_acl(scope.view(IAM), self.rid)
        return Answer()


class Subject(StrEnum):
    """To whom something is granted; the words are those of the API's paths."""

    USER = "users"
    GROUP = "groups"


class GrantPermission(IamCommand, frozen=True, kw_only=True):
    """Grant an action on a resource."""

    rid: str
    subject: Subject
    name: str
    action: Action

    def run(self, scope: Scope) -> Answer:
        """Grant it, or refuse."""
        grant = changes.grant_to_user if self.subject is Subject.USER else changes.grant_to_group
        grant(scope.view(IAM), self.rid, self.name, self.action)
        return Answer()


class RevokePermission(IamCommand, frozen=True, kw_only=True):
    """Take an action on a resource back."""

    rid: str
    subject: Subject
    name: str
    action: Action

    def run(self, scope: Scope) -> Answer:
        """Take it back, or refuse."""
        revoke = changes.revoke_from_user if self.subject is Subject.USER else changes.revoke_from_group
        revoke(scope.view(IAM), self.rid, self.name, self.action)
        return Answer()


class RevokeUserToken(IamCommand, frozen=True, kw_only=True):
    """End one token of a user."""

    token: UserToken

    def run(self, scope: Scope) -> Answer:
        """End it; one that has ended is fine."""
        if self.token.expires_at > scope.now:
            revocations.revoke(scope.view(IAM), self.token)
        return Answer()


class RevokeUserTokens(IamCommand, frozen=True, kw_only=True):
    """End every token that a user has."""

    uid: str

    def run(self, scope: Scope) -> Answer:
        """End them, or refuse."""
        changes.revoke_tokens(scope.view(IAM), self.uid)
        return Answer()


class AddSigningKey(IamCommand, frozen=True, kw_only=True):
    """Let a new key sign users' tokens.

    Attributes:
        key: the new key.
        replaces: id of the key that signed when the new one was made; if another signs now, nothing happens.
        trust_old_seconds: for how long tokens of the keys before it still count.
    """

    key: NewKey
    replaces: str
    trust_old_seconds: int

    def run(self, scope: Scope) -> Answer:
        """Store it, unless somebody else was faster."""
        view = scope.view(IAM)
        if signing_keys.current_key_id(view) == self.replaces:
            signing_keys.add(
                view, self.key, now=scope.now, trust_old_until=scope.now + self.trust_old_seconds
            )
        return Answer()
