"""What each auth method needs to log in, and where it is taken from when it is not on the command line.

    token        the token itself
    userpass     username=..., and a password
    approle      role_id=..., and a secret id
    jwt          role=... and a token of the provider
    kubernetes   role=... and the token of this pod's service account, by default from where pods have it
    cert         name=..., optional; the certificate is that of -client-cert
    oidc         role=..., optional; the rest happens in a browser, see ``login_browser``

A secret that is not given as ``field=@file`` or ``field=-`` is asked for without echo, or read from a pipe.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from holdfast.cli.errors import UsageError
from holdfast.cli.typed_input import secret_word, text_of_file

POD_TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token"  # noqa: S105 - a path


@dataclass(frozen=True, slots=True)
class LoginMethod:
    """How one method is spoken to.

    Attributes:
        secret: the field that nobody else may see; empty for none.
        prompt: what to ask for it.
        file: where it is by default; empty to ask for it.
        required: fields that must be given.
        name_in_path: the field that becomes a part of the path; empty for none.
    """

    secret: str = ""
    prompt: str = ""
    file: str = ""
    required: tuple[str, ...] = ()
    name_in_path: str = ""


OIDC = "oidc"
METHODS = {
    "approle": LoginMethod("secret_id", "Secret id", required=("role_id",)),
    "cert": LoginMethod(),
    "jwt": LoginMethod("jwt", "Token of the provider"),
    "kubernetes": LoginMethod("jwt", "Token of the service account", POD_TOKEN, ("role",)),
    "userpass": LoginMethod("password", "Password", required=("username",), name_in_path="username"),
}


def login_request(
    method: str, path: str, given: Mapping[str, Any], *, ask: bool = True
) -> tuple[str, dict[str, Any]]:
    """Return the path of a login below ``/v1``, and what to send there.

    Args:
        method: one of ``METHODS``.
        path: where it is mounted below ``auth/``.
        given: the fields on the command line.
        ask: whether somebody may be asked for a secret.

    Raises:
        UsageError: a field is missing.
        LocalError: the secret cannot be read, or was not given.
    """
    wanted, fields = METHODS[method], dict(given)
    for name in wanted.required:
        if not fields.get(name):
            raise UsageError(f"expected {name}=... for the method {method}")
    if wanted.secret and not fields.get(wanted.secret):
        fields[wanted.secret] = _secret(wanted, ask=ask)
    if wanted.secret:
        fields[wanted.secret] = str(fields[wanted.secret]).strip("\r\n")
    where = f"auth/{path.strip('/')}/login"
    return (f"{where}/{fields.pop(wanted.name_in_path)}" if wanted.name_in_path else where), fields


def _secret(wanted: LoginMethod, *, ask: bool) -> str:
    if wanted.file:
        return text_of_file(wanted.file, name=wanted.prompt).strip()
    with secret_word(None, prompt=wanted.prompt, name=wanted.secret, ask=ask) as secret:
        return secret.reveal().decode()
