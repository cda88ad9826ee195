"""What PostgreSQL's refusals mean to us, and what to do about them.

A refusal has five letters that never change (``SQLSTATE``). Only while a connection is made are there none,
and nothing but libpq's text, which the server may write in any language: it is shown to the operator, and
the words that are known add what to do. Neither text nor letters ever hold a password or a record.
"""

import psycopg

from holdfast.storage.errors import StorageBrokenError, StorageFullError, StorageUnavailableError

LOST_CLASSES = ("08",)
LOST_STATES = ("57P01", "57P02", "57P03", "57P05", "25P03", "25P04")
"""The server ends the connection: it stops, it was told to, or we were silent for too long."""

_WHAT_TO_DO = {
    "25006": "PostgreSQL takes no changes: it is a standby or was made read-only; connect to the primary",
    "42501": "PostgreSQL grants us too little; the role needs USAGE on the schema, SELECT, INSERT, UPDATE "
    "and DELETE on the table, and CREATE on the database to make them",
    "42P01": "PostgreSQL holds no store in the configured table",
    "3F000": "PostgreSQL holds no store in the configured table",
    "55P03": "other nodes hold PostgreSQL's lock for changes; nothing was changed, try again later",
    "57014": "PostgreSQL took too long; nothing was changed, try again later",
    "53300": "PostgreSQL has no connection left for us; raise its max_connections",
}
_BROKEN_STATES = ("XX001", "XX002")
_FULL_STATES = ("53100",)
_NOT_OURS = ("42703", "42804", "42883", "42809")

_KNOWN_WORDS = (
    ("password authentication failed", "it refuses our user or password"),
    ("no password supplied", "it asks for a password; give one in password_file"),
    ("no pg_hba.conf entry", "its pg_hba.conf has no line for our address, user and database"),
    ("authentication failed", "it refuses our user"),
    (
        "cleartext password",
        "it asks for the password in clear text; its pg_hba.conf should say scram-sha-256",
    ),
    ('role "', "there is no such role, or it may not log in"),
    ('database "', "there is no such database, or we may not use it"),
    ("certificate verify failed", "its certificate is not of an authority in sslrootcert"),
    ("does not match host name", "its certificate is for another host name"),
    ("does not support SSL", "it speaks no TLS, which sslmode demands"),
    ("read-write", "none of its hosts takes changes"),
    ("read-only", "none of its hosts takes changes"),
    ("starting up", "it is just starting"),
    ("too many c", "it has no connection left for us"),
)


def is_lost(error: psycopg.Error) -> bool:
    """Whether an error is the end of the connection, and not an answer."""
    state = error.sqlstate
    if state is None:
        return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    return state.startswith(LOST_CLASSES) or state in LOST_STATES


def refusal(error: psycopg.Error) -> StorageUnavailableError:
    """Return our error for an answer that is one; nothing was changed."""
    state = error.sqlstate or ""
    detail = f"SQLSTATE {state or 'none'}, {type(error).__name__}"
    if state in _FULL_STATES:
        return StorageFullError("storage: PostgreSQL has no room left; nothing was changed", detail=detail)
    if state in _BROKEN_STATES:
        return StorageBrokenError("storage: PostgreSQL says that its data is damaged", detail=detail)
    if state in _NOT_OURS:
        return StorageBrokenError("storage: something else lies in the configured table", detail=detail)
    text = _WHAT_TO_DO.get(state, "PostgreSQL refuses a request")
    return StorageUnavailableError(f"storage: {text}", detail=detail)


def no_connection(error: psycopg.Error | None, place: str) -> StorageUnavailableError:
    """Return our error for a connection that was not made."""
    text = " ".join(str(error or "").split())
    for words, meaning in _KNOWN_WORDS:
        if words in text:
            return StorageUnavailableError(f"storage: PostgreSQL lets us not in: {meaning}", detail=text)
    return StorageUnavailableError(
        "storage: PostgreSQL is away; nothing was changed, try again later",
        detail=text or f"no answer from {place}",
    )
