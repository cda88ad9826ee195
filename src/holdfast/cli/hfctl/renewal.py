"""A context's token is replaced when a third of its life is left, by the command that needs it then.

    by node        the node makes a token like the one it is shown, while that one still holds
    by key         this program makes it from a user file and a key file, as `auth token generate` does
    by provider    the OpenID provider makes it, for a refresh token
    by never       somebody else looks after it

Of several commands at the same time one does it, and the others use what they have, or wait for it if that
has ended. A command whose token still holds never fails for it: what cannot be renewed now is tried later.
"""

import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from holdfast.cli.errors import LocalError
from holdfast.cli.hfctl import token_places
from holdfast.cli.hfctl.context_file import Context, Contexts, edit_contexts, holding, read_contexts
from holdfast.cli.hfctl.token_claims import identity_of, life_of
from holdfast.cli.hfctl.token_places import Secrets
from holdfast.cli.output import remark
from holdfast.client import SdkClient
from holdfast.errors import HoldfastError
from holdfast.model import SecretBytes

BY_NODE, BY_KEY, BY_PROVIDER, NEVER = "node", "key", "provider", "never"
WAIT_SECONDS = 20.0  # for another command that is renewing a token which has ended
PAUSE_SECONDS = 30.0  # between two tries, while the token holds

# From the secrets of a context to new ones.
Renew = Callable[[Mapping[str, str], Secrets], Secrets]


def usable_token(
    path: Path, context: Context, *, node: Callable[[SecretBytes, float], SdkClient]
) -> SecretBytes | None:
    """Return the token of a context, a new one if it is time for that.

    Args:
        path: the file of contexts.
        context: a saved one, or one of no name without a token.
        node: makes a client of the context's node for a token and a longest wait in seconds.

    Raises:
        LocalError: the token is gone from where it was kept, and cannot be replaced.
        RemoteError: the store that keeps it does not give it.
    """
    secrets = token_places.fetch(context)
    if not context.name or not (context.kept or secrets or context.renewal):
        return secrets.token
    renewal = context.renewal.get("by", BY_NODE)
    needed = _is_over(secrets.token)
    if renewal != NEVER and (needed or life_of(secrets.token).is_due(time.time())):
        with suppress(OSError):  # a home that cannot be written to: the token that is there has to do
            secrets = _renewed(path, context, secrets, renewal, node, needed=needed)
    if secrets.token is None:
        raise LocalError(
            f"the token of context {context.name} is gone from where it was kept ({_place_of(context)}); "
            "save a new one with `hfctl context create`"
        )
    return secrets.token


def save_token(path: Path, name: str, token: SecretBytes) -> None:
    """Put a new token of a context where its old one is.

    Raises:
        LocalError: there is no such context any more, or the place does not take it.
        RemoteError: the store does not take it.
    """

    def change(saved: Contexts) -> Contexts:
        context = saved.find(name)
        secrets = replace(token_places.fetch(context), token=token)
        kept = token_places.keep_again(context, secrets, ends_at=life_of(token).ends_at)
        return saved.with_context(replace(kept, identity=identity_of(token)))

    edit_contexts(path, change)


def _renewed(
    path: Path,
    context: Context,
    secrets: Secrets,
    by: str,
    node: Callable[[SecretBytes, float], SdkClient],
    *,
    needed: bool,
) -> Secrets:
    lock = path.with_name(f"{path.name}.renewing")
    if not needed and _was_tried_lately(lock):
        return secrets
    with holding(lock, seconds=WAIT_SECONDS if needed else 0) as held:
        if not held:
            return secrets
        context = read_contexts(path).known.get(context.name, context)
        now_kept = token_places.fetch(context)
        if now_kept.token is not None and not life_of(now_kept.token).is_due(time.time()):
            return now_kept  # somebody else was quicker
        os.utime(lock)
        try:
            renewed = _renew(by, context.renewal, now_kept, node, seconds=WAIT_SECONDS if needed else 3.0)
            _save(path, context, renewed)
        except HoldfastError as error:
            if needed:
                remark(f"The token could not be renewed: {error.message}")
            return now_kept
        with suppress(OSError):
            os.utime(lock, (0, 0))  # that went well; the next time need not wait
        return renewed


def _renew(
    by: str,
    settings: Mapping[str, str],
    secrets: Secrets,
    node: Callable[[SecretBytes, float], SdkClient],
    *,
    seconds: float,
) -> Secrets:
    if by == BY_KEY:
        from holdfast.cli.hfctl.minting import mint

        return Secrets(mint(settings))
    if by == BY_PROVIDER:
        from holdfast.cli.hfctl.provider_login import refresh

        return refresh(settings, secrets, seconds=seconds)
    if secrets.token is None or _is_over(secrets.token):
        raise LocalError("it has ended, and a node renews only what still holds")
    answer = node(secrets.token, seconds).request("POST", "tokens/renew", {})
    return replace(secrets, token=SecretBytes(str(answer["token"]).encode()))


def _save(path: Path, before: Context, secrets: Secrets) -> None:
    def change(saved: Contexts) -> Contexts:
        context = saved.known.get(before.name)
        if context is None or not _is_same(context, before):
            return saved  # it was deleted or made anew meanwhile, and the new token is not for that
        kept = token_places.keep_again(context, secrets, ends_at=life_of(secrets.token).ends_at)
        if secrets.token is not None:
            kept = replace(kept, identity=identity_of(secrets.token))
        return saved.with_context(kept)

    edit_contexts(path, change)


def _is_same(context: Context, other: Context) -> bool:
    def parts(one: Context) -> tuple[object, ...]:
        token = None if one.token is None else one.token.reveal()
        return (token, one.endpoint, dict(one.kept), dict(one.renewal))

    return parts(context) == parts(other)


def _is_over(token: SecretBytes | None) -> bool:
    return token is None or life_of(token).is_over(time.time())


def _was_tried_lately(lock: Path) -> bool:
    try:
        return time.time() - lock.stat().st_mtime < PAUSE_SECONDS
    except OSError:
        return False


def _place_of(context: Context) -> str:
    return context.kept.get("place", "file")
