"""Where the tokens of contexts are kept, so that they are not in clear on a disk where that can be helped.

    store    a secret of the store that HOLDFAST_ADDR names; see ``store_place``
    kernel   the kernel's keyring of this user: in memory only, and gone when the machine restarts
    file     the file of contexts itself, mode 0600

``auto`` takes the store if there is one and somebody is logged in to it; else the kernel for tokens that end
within a day or that this program can replace by itself; else the file, with a word about it. A context then
holds a reference, which names the place and never the token.
"""

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from holdfast.cli.arguments import CommandParser, one_of
from holdfast.cli.errors import LocalError
from holdfast.cli.hfctl.context_file import Context
from holdfast.cli.output import remark
from holdfast.errors import HoldfastError
from holdfast.model import SecretBytes

PLACES = ("auto", "store", "kernel", "file")
PLACE_VARIABLE = "HFCTL_KEEP_IN"
DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Secrets:
    """What a context has to keep from others' eyes.

    Attributes:
        token: the signed token.
        refresh_token: by which a provider gives a new one.
    """

    token: SecretBytes | None = None
    refresh_token: SecretBytes | None = None

    def __bool__(self) -> bool:
        return self.token is not None or self.refresh_token is not None

    def to_texts(self) -> dict[str, str]:
        """Return them as they are stored."""
        both = {"token": self.token, "refresh_token": self.refresh_token}
        return {name: secret.reveal().decode() for name, secret in both.items() if secret is not None}

    @classmethod
    def of_texts(cls, texts: Mapping[str, object]) -> "Secrets":
        """Return what was stored."""
        token, refresh = texts.get("token"), texts.get("refresh_token")
        return cls(
            SecretBytes(str(token).encode()) if token else None,
            SecretBytes(str(refresh).encode()) if refresh else None,
        )


def add_place_option(parser: CommandParser) -> None:
    """Declare where the token is to be kept."""
    parser.add_argument(
        "--keep-in",
        type=one_of(*PLACES),
        metavar="PLACE",
        help=f"where the token is kept: {', '.join(PLACES[:-1])} or {PLACES[-1]} [{PLACE_VARIABLE}; auto]",
    )


def wanted_place(given: str | None) -> str:
    """Return which place is wanted.

    Raises:
        LocalError: the environment names none that there is.
    """
    place = given or os.environ.get(PLACE_VARIABLE) or "auto"
    if place not in PLACES:
        raise LocalError(f"environment {PLACE_VARIABLE}: expected one of {', '.join(PLACES)}")
    return place


def keep(
    context: Context, secrets: Secrets, *, path: Path, place: str, ends_at: float, renews_itself: bool = False
) -> Context:
    """Return the context with its secrets put where they are to be kept.

    Args:
        context: without secrets.
        secrets: of it.
        path: the file of contexts.
        place: one of ``PLACES``.
        ends_at: Unix seconds at which the token ends; 0 if it does not say.
        renews_itself: whether a lost token can be replaced without asking anybody.

    Raises:
        LocalError: the place does not take them.
        RemoteError: the store does not take them.
    """
    if not secrets or place == "file":
        return _in_file(context, secrets)
    if place == "store":
        return _in_store(context, secrets)
    if place == "kernel":
        return _in_kernel(context, secrets, path, ends_at)
    return _automatic(context, secrets, path, ends_at, brief=renews_itself or _is_brief(ends_at))


def keep_again(context: Context, secrets: Secrets, *, ends_at: float) -> Context:
    """Return the context with new secrets where the old ones are.

    Raises:
        HoldfastError: the place does not take them.
    """
    place = context.kept.get("place")
    if place is None:
        return _in_file(context, secrets)
    if place == "kernel":
        _put_into_kernel(context.kept["name"], secrets, ends_at)
    else:
        from holdfast.cli.hfctl import store_place

        store_place.put(context.kept, secrets.to_texts())
    return context


def fetch(context: Context) -> Secrets:
    """Return the secrets of a context; none if they are gone.

    Raises:
        LocalError: the place cannot be reached as it was.
        RemoteError: the store does not give them.
    """
    place = context.kept.get("place")
    if place is None:
        return Secrets(context.token, context.refresh_token)
    if place == "kernel":
        from holdfast.cli.hfctl import kernel_keyring

        try:
            content = kernel_keyring.fetch(context.kept["name"])
        except OSError as error:
            raise _no_kernel(error) from None
        return Secrets.of_texts(json.loads(content)) if content else Secrets()
    if place == "store":
        from holdfast.cli.hfctl import store_place

        return Secrets.of_texts(store_place.get(context.kept))
    raise LocalError("the context's token is kept in a place that this version does not know")


def forget(context: Context) -> None:
    """Remove the secrets of a context from where they are kept.

    Raises:
        HoldfastError: they cannot be removed.
    """
    place = context.kept.get("place")
    if place == "kernel":
        from holdfast.cli.hfctl import kernel_keyring

        try:
            kernel_keyring.forget(context.kept["name"])
        except OSError as error:
            raise _no_kernel(error) from None
    elif place == "store":
        from holdfast.cli.hfctl import store_place

        store_place.destroy(context.kept)


def _automatic(context: Context, secrets: Secrets, path: Path, ends_at: float, *, brief: bool) -> Context:
    from holdfast.cli.hfctl import store_place

    why = "nobody is logged in to a store"
    if store_place.is_at_hand():
        try:
            return _in_store(context, secrets)
        except HoldfastError as error:
            why = error.message.splitlines()[0]
    if brief:
        try:
            return _in_kernel(context, secrets, path, ends_at)
        except LocalError as error:
            why = f"{why}; {error.message}"
    else:
        why = f"{why}, and the kernel would forget it at the next restart"
    remark(f"Note: the token is kept in clear in {path}, which only you can read ({why}).")
    return _in_file(context, secrets)


def _is_brief(ends_at: float) -> bool:
    return 0 < ends_at <= time.time() + DAY_SECONDS


def _in_file(context: Context, secrets: Secrets) -> Context:
    return replace(context, token=secrets.token, refresh_token=secrets.refresh_token, kept={})


def _in_store(context: Context, secrets: Secrets) -> Context:
    from holdfast.cli.hfctl import store_place

    reference = store_place.new_reference(context.name)
    store_place.put(reference, secrets.to_texts())
    return replace(context, kept=reference)


def _in_kernel(context: Context, secrets: Secrets, path: Path, ends_at: float) -> Context:
    name = f"hfctl:{path.absolute()}:{context.name}"
    _put_into_kernel(name, secrets, ends_at)
    return replace(context, kept={"place": "kernel", "name": name})


def _put_into_kernel(name: str, secrets: Secrets, ends_at: float) -> None:
    from holdfast.cli.hfctl import kernel_keyring

    # A refresh token is good for longer than the token beside it. Of one that has ended it is still to be
    # said for a day that it has, rather than that there is none.
    lasting = secrets.refresh_token is not None or not ends_at
    left = 0 if lasting else max(0, int(ends_at - time.time())) + DAY_SECONDS
    try:
        kernel_keyring.keep(name, json.dumps(secrets.to_texts()).encode(), seconds=left)
    except OSError as error:
        raise _no_kernel(error) from None


def _no_kernel(error: OSError) -> LocalError:
    return LocalError(f"the kernel's keyring cannot be used here ({error.strerror})")
