"""Logging in: a user name, and a password or a signed token, for an auth token.

    password    keeper: may it be tried?  ->  elsewhere: one hash  ->  is he still who he was?  ->  token
    signed      verify  ->  token

Nobody learns from the answer or from its time whether a user exists: without one, or without a password, a
record that nothing fits is checked, which costs the same; likewise for keys. All such failures read the same.
Tries of passwords are counted by the keeper (``iam.lockout``); a signed token cannot be guessed, so a service
account cannot be locked out.

A login is on record like every request: the line before names the user if there is one, else it shows a hash
of what was sent, which may be a password in the wrong place.
"""

from functools import partial

import msgspec

from holdfast.clock import Clock
from holdfast.errors import InternalError, SealedError, UnauthenticatedError
from holdfast.formats.strict_json import JsonObject, encode
from holdfast.iam import directory
from holdfast.iam.directory import User
from holdfast.iam.errors import Code, TooManyTriesError
from holdfast.iam.lockout import source_of
from holdfast.iam.names import is_name
from holdfast.iam.passwords import Passwords
from holdfast.store.audit.trail import AuditTrail
from holdfast.store.iam import service_login, signing_keys
from holdfast.store.iam.auth_tokens import write_auth_token
from holdfast.store.iam.commands import AddSigningKey, RenewPasswordRecord
from holdfast.store.iam.login_commands import BeginLogin, PasswordWasRight
from holdfast.store.iam.signing_keys import NewKey
from holdfast.store.iam.user_callers import LOGIN_PATH
from holdfast.store.layout import IAM
from holdfast.store.login_steps import Host, LoginSteps, Offload
from holdfast.store.request import Answer, Done, Operation, StoreRequest

INVALID = "invalid credentials"


class LoginAttempt(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody sent to log in: a password, or a token that he signed.

    Attributes:
        id: the request id.
        uid: who he says he is.
        password: empty if a token was sent.
        token: empty if a password was sent.
        peer: ``address:port`` of the connection.
    """

    id: str
    uid: str
    password: str = ""
    token: str = ""
    peer: str = ""

    def __repr__(self) -> str:
        return "LoginAttempt(...)"


class LoginDesk:
    """Where users log in to one store, as one process serves it.

    Args:
        host: the store.
        audit: its audit trail.
        clock: the time.
        offload: runs what is slow.
    """

    def __init__(self, host: Host, audit: AuditTrail, clock: Clock, offload: Offload) -> None:
        self.host = host
        self.audit = audit
        self.clock = clock
        self.offload = offload
        self.decoy_public_key = service_login.decoy_public_key()

    def log_in(self, attempt: LoginAttempt, done: Done) -> None:
        """Serve one attempt; ``done`` gets the token and what it is for, now or later, or a refusal."""
        if self.host.opened is None:
            done(SealedError())
        else:
            _Login(self, attempt, done).begin()


class _Login(LoginSteps):
    """One attempt on its way."""

    def __init__(self, desk: LoginDesk, attempt: LoginAttempt, done: Done) -> None:
        super().__init__(desk, attempt.id, done)
        self._decoy_public_key = desk.decoy_public_key
        self._attempt = attempt
        self._generation = ""  # the user's when the attempt began; a token is for no other

    def begin(self) -> None:
        self.step(self._begin)

    def _begin(self) -> None:
        attempt, now = self._attempt, self.now
        self.opened.refresh()
        user = self._user()
        self._generation = user.generation if user else ""
        shown = StoreRequest(
            id=attempt.id,
            operation=Operation.WRITE,
            path=LOGIN_PATH,
            body=JsonObject({"uid": attempt.uid}, encode({"uid": attempt.uid})),
            peer=attempt.peer,
        )
        self.entry = self._desk.audit.knocked(shown, attempt.uid if user else "", now)
        if not is_name(attempt.uid):
            raise _invalid("no user can have this name")  # so its time tells nothing either
        if attempt.token:
            self._verify(user, now)
        else:
            question = BeginLogin(uid=attempt.uid, source=source_of(attempt.peer))
            self.ask(question, partial(self._check_password, user))

    def _verify(self, user: User | None, now: float) -> None:
        """Check a token that the user signed."""
        is_service = user is not None and user.is_service
        pem = user.public_key if user is not None and is_service else self._decoy_public_key
        key = service_login.read_public_key(pem)
        try:
            service_login.check_login_token(self._attempt.token, self._attempt.uid, key, now=now)
        except UnauthenticatedError as error:
            raise _invalid(error.reason) from None
        if not is_service:
            raise _invalid("not a service account")
        self._issue()

    def _check_password(self, user: User | None, counted: Answer) -> None:
        wait_seconds = msgspec.json.decode(counted.data or b"", type=int)
        if wait_seconds:
            raise TooManyTriesError(wait_seconds)
        passwords = self.opened.users.passwords
        record = user.password if user is not None and user.password else passwords.decoy
        work = partial(_check, passwords, record, self._attempt.password)
        self.work(work, partial(self._password_checked, record))

    def _password_checked(self, record: str, checked: tuple[bool, str]) -> None:
        is_right, renewed = checked
        self.opened.refresh()
        if not is_right:
            raise _invalid("wrong password" if self._generation else "unknown user")
        uid = self._attempt.uid
        self.tell(PasswordWasRight(uid=uid, source=source_of(self._attempt.peer)))
        if renewed:
            self.tell(RenewPasswordRecord(uid=uid, old=record, new=renewed))
        self._issue()

    def _issue(self) -> None:
        """Hand out a token; first make a key to sign it with, if there is none or it is old."""
        opened, now = self.opened, self.now
        user = self._user()
        if user is None or user.generation != self._generation:
            raise _invalid("the user was removed, or his password changed, meanwhile")
        key = opened.users.keys.current(opened.view(IAM), now)
        if key is None:
            replaces = signing_keys.current_key_id(opened.view(IAM))
            self.work(signing_keys.generate, partial(self._add_key, replaces))
            return
        expires_at = int(now) + opened.users.settings.token_lifetime_seconds
        token = write_auth_token(self._attempt.uid, user.generation, expires_at=expires_at, key=key)
        answer = Answer(
            data=encode({"token": token, "uid": self._attempt.uid, "description": user.description})
        )
        if self.entry is not None:
            self._desk.audit.answered(self.entry, answer, now, self._done)

    def _add_key(self, replaces: str, key: NewKey) -> None:
        lifetime = self.opened.users.settings.token_lifetime_seconds
        command = AddSigningKey(key=key, replaces=replaces, trust_old_seconds=lifetime)
        self.ask(command, self._issue_with_new_key)

    def _issue_with_new_key(self, _added: Answer) -> None:
        opened = self.opened
        opened.refresh()
        if opened.users.keys.current(opened.view(IAM), self.now) is None:
            raise InternalError("no key signs the tokens of users")
        self._issue()

    def _user(self) -> User | None:
        uid = self._attempt.uid
        return directory.load_user(self.opened.view(IAM), uid) if is_name(uid) else None


def _check(passwords: Passwords, record: str, password: str) -> tuple[bool, str]:
    """Return whether the password is right, and its record at today's cost if that has changed."""
    is_right = passwords.verify(record, password)
    return is_right, passwords.hash(password) if is_right and passwords.is_outdated(record) else ""


def _invalid(why: str) -> UnauthenticatedError:
    """Return the one refusal of everything that does not fit; ``why`` is for the audit trail."""
    return UnauthenticatedError(INVALID, reason=Code.INVALID_CREDENTIALS, detail=why)
