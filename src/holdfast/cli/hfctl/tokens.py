"""``hfctl auth token``: renew a token, take tokens back before their time, and look into one."""

from argparse import Namespace
from datetime import UTC, datetime
from typing import Any

from holdfast.cli.arguments import CommandParser
from holdfast.cli.errors import LocalError, UsageError
from holdfast.cli.hfctl.connection import (
    add_node_options,
    add_output_options,
    chosen_context,
    config_path,
    node_client,
    output_format,
    print_answer,
    prints_for_programs,
)
from holdfast.cli.hfctl.signing import read_file
from holdfast.cli.output import print_pairs, print_result, print_table
from holdfast.cli.program import Run
from holdfast.cli.typed_input import secret_word
from holdfast.model import SecretBytes

NOT_VERIFIED = "not verified: anybody can write what stands here"
WHICH = "--own, --token, --token-file, --id, --subject or --everything"


def renew(parser: CommandParser) -> Run:
    """Have the node make a token like the present one that ends later, and save it in the context.

    The node does so while the present token holds, and for as long after the first one as it was told to
    allow. Commands renew the token of their context by themselves when a third of its life is left.
    """
    parser.add_argument(
        "--token-duration", metavar="TIME", help="digits and one of s, m, h, d and y [as long as the present]"
    )
    parser.add_argument("--print-token", action="store_true", help="print it, and leave the context alone")
    add_node_options(parser)
    return _renew


def revoke(parser: CommandParser) -> Run:
    """Take a token back before its time, or all tokens of a user, or of an issuer.

    What was renewed from a token goes with it. Everybody may take his own token back.

    For example:

        hfctl auth token revoke --own
        hfctl auth token revoke --token-file=alice.token
        hfctl auth token revoke --id=4KV1mDm0lXbVXmWhQHBCFg
        hfctl auth token revoke --subject=alice
        hfctl auth token revoke --everything --issued-before=2030-01-31T12:00:00Z
    """
    parser.add_argument("--own", action="store_true", help="the token of this very call")
    parser.add_argument("--token", metavar="TOKEN", help="this token; - reads it from standard input")
    parser.add_argument("--token-file", metavar="FILE", help="the token in this file")
    parser.add_argument("--id", metavar="ID", help="the token with this claim jti")
    parser.add_argument("--subject", metavar="USER", help="every token of this user")
    parser.add_argument("--everything", action="store_true", help="every token of the issuer")
    parser.add_argument("--issuer", metavar="NAME", default="", help="[the issuer of your own token]")
    parser.add_argument(
        "--issued-before", metavar="TIME", default="", help="leave those alone that were issued later [now]"
    )
    add_node_options(parser)
    return _revoke


def list_revoked(parser: CommandParser) -> Run:
    """Show what was taken back."""
    add_node_options(parser)
    return _list_revoked


def inspect(parser: CommandParser) -> Run:
    """Show what a token says, without asking a node and without verifying it.

    `hfctl whoami` shows who the node takes you for after verifying the token.
    """
    parser.add_argument("token", nargs="?", help="the token; - reads it from standard input [the context's]")
    parser.add_argument("--token-file", metavar="FILE", help="the token in this file")
    parser.add_argument("--context", help="look into the token of this context")
    add_output_options(parser)
    return _inspect


def _renew(arguments: Namespace) -> int:
    from holdfast.cli.hfctl.renewal import save_token
    from holdfast.tokens.generate import parse_lifetime

    body: dict[str, Any] = {}
    if arguments.token_duration:
        body["lifetime_seconds"] = str(parse_lifetime(arguments.token_duration, field="--token-duration"))
    context = chosen_context(arguments)
    answer = node_client(arguments).request("POST", "tokens/renew", body)
    token = SecretBytes(str(answer["token"]).encode())
    if arguments.print_token:
        return print_answer(arguments, answer, token.reveal().decode())
    if not context.name:
        raise LocalError("there is no context to save the token in; see --print-token")
    save_token(config_path(arguments), context.name, token)
    ends = {"context": context.name, "expires_at": answer.get("expires_at", "")}
    return print_answer(
        arguments, ends, f"Token of context {context.name} renewed; it ends at {ends['expires_at']}"
    )


def _revoke(arguments: Namespace) -> int:
    body, sentence = _what(arguments)
    if arguments.issued_before:
        if "subject" not in body and "everything" not in body:
            raise UsageError("--issued-before: makes no sense for one token")
        body["issued_before"] = _moment(arguments.issued_before)
    answer = node_client(arguments).request("POST", "tokens/revoke", body)
    return print_answer(arguments, answer, sentence)


def _what(arguments: Namespace) -> tuple[dict[str, Any], str]:
    given = (
        arguments.own,
        arguments.token,
        arguments.token_file,
        arguments.id,
        arguments.subject,
        arguments.everything,
    )
    if sum(bool(each) for each in given) != 1:
        raise UsageError(f"expected one of {WHICH}")
    if arguments.own:
        return {}, "Your token was revoked"
    issuer = {"issuer": arguments.issuer} if arguments.issuer else {}
    until = f"issued before {arguments.issued_before}" if arguments.issued_before else "issued until now"
    if arguments.subject:
        body = {**issuer, "subject": arguments.subject}
        return body, f"Tokens of {arguments.subject} that were {until} are revoked"
    if arguments.everything:
        of = f"of issuer {arguments.issuer} " if arguments.issuer else "of your issuer "
        return {**issuer, "everything": True}, f"Tokens {of}that were {until} are revoked"
    if arguments.id:
        return {**issuer, "token_id": arguments.id}, f"Token {arguments.id} revoked"
    claims = _claims(_given_token(arguments))
    token_id = claims.get("jti")
    if not isinstance(token_id, str) or not token_id:
        raise LocalError("the token has no id (claim jti); revoke the tokens of its --subject")
    return {"issuer": str(claims.get("iss", "")), "token_id": token_id}, f"Token {token_id} revoked"


def _list_revoked(arguments: Namespace) -> int:
    found = node_client(arguments).request("GET", "tokens/revocations").get("revocations", [])
    if prints_for_programs(arguments):
        print_result(found, output_format(arguments))
        return 0
    rows = [
        (
            each.get("issuer", ""),
            each.get("token_id") or ("all" if each.get("everything") else "all of the subject"),
            each.get("subject", ""),
            each.get("issued_before", ""),
            each.get("revoked_by", ""),
            each.get("revoked_at", ""),
        )
        for each in found
    ]
    print_table(("ISSUER", "TOKEN", "SUBJECT", "ISSUED BEFORE", "REVOKED BY", "REVOKED AT"), rows)
    return 0


def _inspect(arguments: Namespace) -> int:
    from holdfast.cli.hfctl.token_claims import read

    found = read(_given_token(arguments))
    claims = found.unverified_claims
    if prints_for_programs(arguments):
        shown = {"header": found.unverified_header, "claims": claims, "verified": False}
        print_result(shown, output_format(arguments))
        return 0
    print_pairs(
        [
            ("Name", claims.get("name") or ""),
            ("Email", claims.get("email") or ""),
            ("Subject", claims.get("sub") or ""),
            ("Groups", _names(claims.get("groups"))),
            ("Roles", _names(claims.get("roles"))),
            ("Issuer", claims.get("iss") or ""),
            ("Issued At Time", _time(claims.get("iat"))),
            ("Expiration Time", _time(claims.get("exp"))),
            ("Token ID", claims.get("jti") or ""),
            ("Algorithm", found.algorithm.value),
            ("Key ID", found.key_id),
            ("Status", _status(claims)),
            ("Signature", NOT_VERIFIED),
        ]
    )
    return 0


def _given_token(arguments: Namespace) -> SecretBytes:
    if arguments.token_file:
        if arguments.token:
            raise UsageError("expected a token or --token-file")
        return SecretBytes(read_file(arguments.token_file, "--token-file").strip())
    if arguments.token:
        return secret_word(arguments.token, prompt="Token", name="token")
    from holdfast.cli.hfctl.token_places import fetch

    token = fetch(chosen_context(arguments)).token
    if token is None:
        raise UsageError("expected a token, --token-file, or a context that has one")
    return token


def _claims(token: SecretBytes) -> dict[str, Any]:
    from holdfast.cli.hfctl.token_claims import claims_of

    return claims_of(token)


def _names(value: Any) -> str:
    return ", ".join(str(name) for name in value) if isinstance(value, list) else ""


def _time(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    try:
        return datetime.fromtimestamp(value, UTC).isoformat()
    except (OverflowError, ValueError, OSError):
        return str(value)


def _status(claims: dict[str, Any]) -> str:
    from holdfast.errors import HoldfastError
    from holdfast.tokens.claims import check_times, read_claims

    try:
        check_times(
            read_claims(claims),
            now=datetime.now(UTC).timestamp(),
            skew_seconds=0,
            max_lifetime_seconds=None,
        )
    except HoldfastError as error:
        return error.message
    return "Ok"


def _moment(text: str) -> str:
    try:
        moment = datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):  # of a year that begins before all years in another time zone
        raise UsageError("--issued-before: expected a time such as 2030-01-31T12:00:00Z") from None
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
