"""``hfctl context``: save, show, choose and forget contexts."""

import os
import time
from argparse import Namespace
from dataclasses import replace
from pathlib import Path

from holdfast.cli.arguments import CommandParser
from holdfast.cli.errors import LocalError, UsageError
from holdfast.cli.hfctl import token_places
from holdfast.cli.hfctl.connection import (
    ENDPOINT_VARIABLE,
    add_output_options,
    config_path,
    output_format,
    print_answer,
)
from holdfast.cli.hfctl.context_file import (
    DEFAULT_ENDPOINT,
    Context,
    Contexts,
    check_context_name,
    edit_contexts,
    read_contexts,
)
from holdfast.cli.hfctl.minting import add_minting_options, mint, minting_settings
from holdfast.cli.hfctl.renewal import BY_KEY, BY_PROVIDER, NEVER
from holdfast.cli.hfctl.token_claims import identity_of, life_of
from holdfast.cli.hfctl.token_places import Secrets, add_place_option, wanted_place
from holdfast.cli.output import as_yaml, print_result, remark, warn
from holdfast.cli.program import Run
from holdfast.cli.typed_input import secret_word
from holdfast.client import parse_address
from holdfast.errors import HoldfastError
from holdfast.model import SecretBytes

MAX_TOKEN_BYTES = 16 * 1024
TLS_FILES = ("ca", "cert", "key")


def create(parser: CommandParser) -> Run:
    r"""Save a context: where a node is, and as whom to call it. The first one becomes current.

    For example:

        hfctl context create admin --token-file=admin.token
        hfctl context create alice --token-file=alice.token --endpoint=https://node1:9021 --ca=ca.pem
        hfctl context create robot --auth-config=robot.yaml --issuer=portworx.com \
            --ecdsa-private-keyfile=key.pem --token-duration=15m
        hfctl context create me --oidc-issuer=https://login.example.com --oidc-client-id=storage
    """
    parser.add_argument("name", help="what to call it")
    parser.add_argument("--token", metavar="TOKEN", help="signed token; - reads it from standard input")
    parser.add_argument(
        "--token-file", metavar="FILE", help="file with the signed token; - is standard input"
    )
    parser.add_argument("--endpoint", help=f"address of the node [{ENDPOINT_VARIABLE}; {DEFAULT_ENDPOINT}]")
    parser.add_argument("--ca", metavar="FILE", help="PEM file of the authorities to trust")
    parser.add_argument("--cert", metavar="FILE", help="PEM file of our own certificate")
    parser.add_argument("--key", metavar="FILE", help="PEM file of its key")
    parser.add_argument(
        "--no-renew", action="store_true", help="never replace the token before it ends; somebody else does"
    )
    add_place_option(parser)
    add_minting_options(parser)
    _add_provider_options(parser)
    add_output_options(parser)
    return _create


def list_contexts(parser: CommandParser) -> Run:
    """Show the contexts as YAML, with tokens masked."""
    parser.add_argument("--show-tokens", action="store_true", help="in full, for whoever looks on to see")
    add_output_options(parser)
    return _list


def set_current(parser: CommandParser) -> Run:
    """Choose the current context."""
    parser.add_argument("name", help="a saved context")
    add_output_options(parser)
    return _set


def unset(parser: CommandParser) -> Run:
    """Have no current context."""
    add_output_options(parser)
    return _unset


def delete(parser: CommandParser) -> Run:
    """Forget a context, and its token wherever it was kept."""
    parser.add_argument("name", help="a saved context")
    add_output_options(parser)
    return _delete


def _add_provider_options(parser: CommandParser) -> None:
    options = parser.add_argument_group("instead of a token: an OpenID provider that the node trusts")
    options.add_argument("--oidc-issuer", metavar="URL", help="the provider; its login page is shown")
    options.add_argument("--oidc-client-id", metavar="ID", help="as which client, a public one")
    options.add_argument("--oidc-ca", metavar="FILE", help="PEM file of the authorities to trust for it")
    options.add_argument("--oidc-scopes", metavar="NAMES", help="[openid profile email offline_access]")
    options.add_argument("--oidc-port", type=int, default=0, metavar="N", help="where to wait [a free port]")
    options.add_argument("--oidc-open-browser", action="store_true", help="open it rather than show where")
    options.add_argument(
        "--oidc-refresh-token-file", metavar="FILE", help="use this refresh token, and log nobody in"
    )


def _create(arguments: Namespace) -> int:
    name = check_context_name(arguments.name)
    endpoint = arguments.endpoint or os.environ.get(ENDPOINT_VARIABLE) or DEFAULT_ENDPOINT
    parse_address(endpoint, field="--endpoint" if arguments.endpoint else ENDPOINT_VARIABLE)
    place = wanted_place(arguments.keep_in)
    renewal, secrets = _source(arguments)
    life = life_of(secrets.token)
    context = Context(
        name,
        endpoint,
        identity=identity_of(secrets.token) if secrets.token else {},
        renewal=renewal,
        tls={
            option: str(Path(path).absolute()) for option in TLS_FILES if (path := getattr(arguments, option))
        },
    )
    if life.is_over(time.time()):
        warn("this token has ended already.")
    path = config_path(arguments)

    def change(saved: Contexts) -> Contexts:
        kept = token_places.keep(
            context,
            secrets,
            path=path,
            place=place,
            ends_at=life.ends_at,
            renews_itself=renewal.get("by") in {BY_KEY, BY_PROVIDER},
        )
        before = saved.known.get(name)
        if before is not None and before.kept != kept.kept:
            _forget_secrets(before)
        return saved.with_context(kept)

    edit_contexts(path, change)
    return print_answer(arguments, {"context": name, "endpoint": endpoint}, f"Context {name} saved")


def _list(arguments: Namespace) -> int:
    saved = read_contexts(config_path(arguments))
    if arguments.show_tokens:
        saved = replace(saved, known={name: _opened(context) for name, context in saved.known.items()})
    document = saved.to_document(masked=not arguments.show_tokens)
    if output_format(arguments) == "json":
        print_result(document, "json")
    else:
        print(as_yaml(document), end="")
    return 0


def _set(arguments: Namespace) -> int:
    edit_contexts(config_path(arguments), lambda saved: saved.with_current(arguments.name))
    return print_answer(arguments, {"current": arguments.name}, f"Current context is {arguments.name}")


def _unset(arguments: Namespace) -> int:
    edit_contexts(config_path(arguments), lambda saved: saved.with_current(""))
    return print_answer(arguments, {"current": ""}, "No context is current; calls are a guest's")


def _delete(arguments: Namespace) -> int:
    def change(saved: Contexts) -> Contexts:
        _forget_secrets(saved.find(arguments.name))
        return saved.without(arguments.name)

    edit_contexts(config_path(arguments), change)
    return print_answer(arguments, {"context": arguments.name}, f"Context {arguments.name} deleted")


def _source(arguments: Namespace) -> tuple[dict[str, str], Secrets]:
    """Return who makes later tokens, and the first one."""
    minting, provider = minting_settings(arguments), _provider_settings(arguments)
    sources = [minting, provider, arguments.token, arguments.token_file]
    if sum(bool(source) for source in sources) > 1:
        raise UsageError("expected one of --token, --token-file, --auth-config and --oidc-issuer")
    if minting:
        return {"by": BY_KEY, **minting}, Secrets(mint(minting))
    if provider:
        return {"by": BY_PROVIDER, **provider}, _from_provider(arguments, provider)
    return ({"by": NEVER} if arguments.no_renew else {}), Secrets(_token(arguments))


def _provider_settings(arguments: Namespace) -> dict[str, str]:
    if not arguments.oidc_issuer and not arguments.oidc_client_id:
        return {}
    if not arguments.oidc_issuer or not arguments.oidc_client_id:
        raise UsageError("expected --oidc-issuer and --oidc-client-id together")
    given = {
        "issuer": arguments.oidc_issuer,
        "client_id": arguments.oidc_client_id,
        "ca": str(Path(arguments.oidc_ca).absolute()) if arguments.oidc_ca else "",
        "scopes": arguments.oidc_scopes or "",
    }
    return {name: text for name, text in given.items() if text}


def _from_provider(arguments: Namespace, provider: dict[str, str]) -> Secrets:
    from holdfast.cli.hfctl.provider_login import TIMEOUT_SECONDS, log_in, refresh

    if arguments.oidc_refresh_token_file:
        held = Secrets(
            refresh_token=_word_of_file(arguments.oidc_refresh_token_file, "--oidc-refresh-token-file")
        )
        return refresh(provider, held, seconds=TIMEOUT_SECONDS)
    given = log_in(provider, port=arguments.oidc_port, opens_browser=arguments.oidc_open_browser)
    if given.refresh_token is None:
        remark("Note: the provider gives no refresh token; log in again when this token ends.")
    return given


def _token(arguments: Namespace) -> SecretBytes | None:
    if arguments.token_file not in {None, "-"}:
        return _word_of_file(arguments.token_file, "--token-file")
    given = arguments.token or arguments.token_file
    return secret_word(given, prompt="Token", name="--token") if given else None


def _word_of_file(path: str, option: str) -> SecretBytes:
    try:
        with Path(path).open("rb") as file:
            word = file.read(MAX_TOKEN_BYTES + 1).strip()
    except OSError as error:
        raise LocalError(f"{option}: cannot be read ({error.strerror})") from None
    if not word:  # such as what a command that failed was to write there; the context would be a guest's
        raise LocalError(f"{option}: expected a token in this file, and it is empty")
    return SecretBytes(word)


def _opened(context: Context) -> Context:
    secrets = token_places.fetch(context)
    return replace(context, token=secrets.token, refresh_token=secrets.refresh_token)


def _forget_secrets(context: Context) -> None:
    try:
        token_places.forget(context)
    except HoldfastError as error:
        remark(f"Note: the token stays where it was kept: {error.message}")
