"""``userpass``: people with a name and a password of the store's own.

    users/<name>            argon2id record of the password, settings of the tokens

A login is slowed down for whoever guesses (``iam.lockout``, asked before each password is looked at), and
costs one hash whether or not the user exists. All failures read the same.
"""

from collections.abc import Callable
from functools import partial

import msgspec

from holdfast.errors import InvalidInputError
from holdfast.formats.strict_json import encode
from holdfast.iam.errors import TooManyTriesError
from holdfast.iam.lockout import source_of
from holdfast.iam.passwords import Passwords
from holdfast.store import fields
from holdfast.store.auth.issue import FOR_PEOPLE, Earned
from holdfast.store.auth.login import Login
from holdfast.store.auth.method import AuthRoute, Method, kept_by_name
from holdfast.store.auth.records import SaveAuthRecord, decode_record, encode_record, fold_role
from holdfast.store.auth.token_settings import TokenSettings, describe_token_settings, read_token_settings
from holdfast.store.auth.visit import AuthVisit
from holdfast.store.command import Command
from holdfast.store.iam.login_commands import BeginLogin, PasswordWasRight
from holdfast.store.permit import Permit
from holdfast.store.request import Answer, Operation
from holdfast.store.route import Deferred

INVALID = "invalid username or password"
_ANY = Permit(create=True, update=True)


class User(msgspec.Struct, array_like=True, frozen=True):
    """One user. Fields are only ever appended: their order is the record format."""

    password: str
    settings: TokenSettings = TokenSettings()


def _key(name: str) -> str:
    return f"users/{name}"


def _write_user(visit: AuthVisit) -> Command | Deferred:
    values = visit.values
    if values.get("password_hash"):
        raise InvalidInputError("password_hash: expected a password instead; hashes of others are not taken")
    password = fields.text(values, "password")

    def make(before: User | None) -> User:
        if before is None and not password:
            raise InvalidInputError("missing password")
        settings = read_token_settings(values, before.settings if before else TokenSettings())
        return User(before.password if before else "", settings)

    command = visit.change(_key(visit.name), User, make)
    return _with_password(visit, command, password) if password else command


def _write_password(visit: AuthVisit) -> Command | Deferred:
    password = fields.required_text(visit.values, "password")
    return _with_password(visit, _change_existing(visit, lambda user: user), password)


def _write_policies(visit: AuthVisit) -> Command:
    return _change_existing(
        visit, lambda user: User(user.password, read_token_settings(visit.values, user.settings))
    )


def _change_existing(visit: AuthVisit, make: Callable[[User], User]) -> SaveAuthRecord:
    def make_of(before: User | None) -> User:
        if before is None:
            raise InvalidInputError("username does not exist")
        return make(before)

    return visit.change(_key(visit.name), User, make_of)


def _with_password(visit: AuthVisit, command: SaveAuthRecord, password: str) -> Deferred:
    passwords = visit.store.users.passwords
    passwords.check_new(password)
    return Deferred(partial(_hash_into, command, passwords, password))


def _hash_into(command: SaveAuthRecord, passwords: Passwords, password: str) -> Command:
    user = decode_record(command.value, User)
    hashed = msgspec.structs.replace(user, password=passwords.hash(password))
    return msgspec.structs.replace(command, value=encode_record(hashed))


def _read_user(visit: AuthVisit) -> Answer:
    user = visit.require(_key(visit.name), User)
    return Answer(data=encode(describe_token_settings(user.settings)))


# -- logging in --------------------------------------------------------------------------------------------


def _log_in(login: Login) -> None:
    password = fields.text(login.values, "password")
    if not password:
        raise InvalidInputError("missing password")
    name = fold_role(login.name, field="username")
    tried, source = f"{login.mount.uuid}/{name}", source_of(login.request.peer)
    login.ask(
        BeginLogin(uid=tried, source=source), partial(_check_password, login, name, password, (tried, source))
    )


def _check_password(login: Login, name: str, password: str, tried: tuple[str, str], counted: Answer) -> None:
    wait_seconds = msgspec.json.decode(counted.data or b"", type=int)
    if wait_seconds:
        raise TooManyTriesError(wait_seconds)
    stored = login.records.get(_key(name))
    passwords = login.opened.users.passwords
    record = passwords.decoy if stored is None else decode_record(stored, User).password
    login.work(
        partial(_check, passwords, record, password), partial(_password_checked, login, name, stored, tried)
    )


def _check(passwords: Passwords, record: str, password: str) -> tuple[bool, str]:
    """Return whether the password is right, and its record at today's cost if that has changed."""
    is_right = passwords.verify(record, password)
    return is_right, passwords.hash(password) if is_right and passwords.is_outdated(record) else ""


def _password_checked(
    login: Login, name: str, stored: bytes | None, tried: tuple[str, str], checked: tuple[bool, str]
) -> None:
    is_right, renewed = checked
    # Compared once more: a password that was changed, or a user who was removed, meanwhile is no way in.
    if not is_right or stored is None or login.records.get(_key(name)) != stored:
        raise InvalidInputError(INVALID)
    user = decode_record(stored, User)
    login.tell(PasswordWasRight(uid=tried[0], source=tried[1]))
    if renewed:
        value = encode_record(User(renewed, user.settings))
        login.tell(
            SaveAuthRecord(mount=login.mount.uuid, key=_key(name), value=value, before=stored, permit=_ANY)
        )
    login.grant(Earned(role=_key(name), settings=user.settings, name=name, metadata={"username": name}))


USERPASS = Method(
    (
        *kept_by_name("users", read=_read_user, write=_write_user),
        AuthRoute("users/<>/password", Operation.WRITE, _write_password),
        AuthRoute("users/<>/policies", Operation.WRITE, _write_policies),
    ),
    _log_in,
    FOR_PEOPLE,
    names_in_path=True,
    shown=frozenset(),
)
