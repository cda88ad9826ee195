"""The environment of the command: what it inherits, what is kept from it, and its secrets.

A secret never replaces a variable that is there already, unless that was asked for: which of the two a
program then sees is not left to chance. The token that fetched the secrets is not handed on, nor is a
password that ``auth login`` would take from there.
"""

from collections.abc import Mapping

from holdfast.cli.exec.errors import NotDeliverableError
from holdfast.model import SecretBytes

TOKEN_VARIABLES = ("HOLDFAST_TOKEN", "VAULT_TOKEN", "DCOS_ACS_TOKEN")
PASSWORD_VARIABLES = ("HOLDFAST_PASSWORD", "DCOS_PASSWORD")
PRISTINE_VARIABLES = ("HOME", "LANG", "LC_ALL", "LOGNAME", "PATH", "SHELL", "TERM", "TZ", "USER")

# <linux/binfmts.h> MAX_ARG_STRLEN: one string of the environment, with its name and the final NUL.
MAX_VARIABLE_BYTES = 128 * 1024


def inherited(environment: Mapping[str, str], *, pristine: bool, keep_token: bool) -> dict[str, str]:
    """Return what a command gets of our own environment.

    Args:
        environment: our own.
        pristine: only what a login gives everybody.
        keep_token: also the token that we act with.
    """
    withheld = PASSWORD_VARIABLES if keep_token else (*TOKEN_VARIABLES, *PASSWORD_VARIABLES)
    return {
        name: value
        for name, value in environment.items()
        if name not in withheld and (not pristine or name in (*PRISTINE_VARIABLES, *TOKEN_VARIABLES))
    }


def with_secrets(
    base: Mapping[str, str], secrets: Mapping[str, SecretBytes], *, overwrite: bool
) -> dict[bytes, bytes]:
    """Return the environment block of the command.

    Args:
        base: plain variables.
        secrets: variables that hold secrets.
        overwrite: let a secret replace a plain variable.

    Raises:
        NotDeliverableError: a secret does not fit in a variable, or the variable is taken.
    """
    problems = []
    block = {
        name.encode(errors="surrogateescape"): value.encode(errors="surrogateescape")
        for name, value in base.items()
    }
    for name, secret in secrets.items():
        if name in base and not overwrite:
            problems.append(f"{name}: already set in the environment; replace it with --overwrite")
        elif 0 in secret.view():
            problems.append(f"{name}: holds a NUL byte, which no variable can; use --file or --fd")
        elif len(name) + len(secret) + 2 > MAX_VARIABLE_BYTES:
            problems.append(f"{name}: over {MAX_VARIABLE_BYTES // 1024} KiB; use --file or --fd")
        else:
            block[name.encode()] = secret.reveal()
    if problems:
        raise NotDeliverableError(problems)
    return block
