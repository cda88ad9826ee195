"""What ``secrets`` and ``auth`` have in common: what can be said of a mount, and the table of mounts."""

from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from holdfast.cli.arguments import CommandParser, one_of
from holdfast.cli.holdfast.pairs import parse_option_pairs
from holdfast.cli.output import print_result, print_table

_TEXTS = {
    "default_lease_ttl": "life of what comes from it, where nothing else says so, such as 30m",
    "max_lease_ttl": "longest such life, such as 24h",
    "plugin_version": "of the plugin that serves it",
}
_LISTS = {
    "audit_non_hmac_request_keys": "field of requests that audit lines show as it is; may be repeated",
    "audit_non_hmac_response_keys": "field of answers that audit lines show as it is; may be repeated",
    "passthrough_request_headers": "header that it gets to see; may be repeated",
    "allowed_response_headers": "header that it may set; may be repeated",
}
_LOCKOUT = {
    "user_lockout_threshold": "failed logins after which a user is locked out",
    "user_lockout_duration": "for how long, such as 15m",
    "user_lockout_counter_reset_duration": "time after which failed logins are forgotten, such as 15m",
    "user_lockout_disable": "true: never lock a user out",
}
_FEW = (("Type", "type"), ("Accessor", "accessor"), ("Description", "description"))
_DETAILS = (
    ("Plugin", "type"),
    ("Accessor", "accessor"),
    ("Default TTL", "config.default_lease_ttl"),
    ("Max TTL", "config.max_lease_ttl"),
    ("Token Type", "config.token_type"),
    ("Force No Cache", "config.force_no_cache"),
    ("Replication", "local"),
    ("Seal Wrap", "seal_wrap"),
    ("External Entropy Access", "external_entropy_access"),
    ("Options", "options"),
    ("Description", "description"),
    ("UUID", "uuid"),
    ("Version", "plugin_version"),
    ("Running Version", "running_plugin_version"),
    ("Running SHA256", "running_sha256"),
    ("Deprecation Status", "deprecation_status"),
)


def add_enable_options(parser: CommandParser) -> None:
    """Declare what can be said once only, when it is mounted."""
    parser.add_argument("--plugin-name", help="of the plugin that serves it [the type]")
    for name, explained in (
        ("force-no-cache", "without a cache"),
        ("local", "not for other clusters; there are none, so it is only noted"),
        ("seal-wrap", "with one more encryption; noted only"),
        ("external-entropy-access", "with randomness from elsewhere; noted only"),
    ):
        parser.add_argument(f"--{name}", action="store_true", help=explained)


def add_tuning_options(parser: CommandParser, *, of_tokens: bool) -> None:
    """Declare what can be said of a mount at any time; ``of_tokens`` if logins come from it."""
    parser.add_argument("--description", help="for people")
    for name, explained in _TEXTS.items():
        parser.add_argument(_option(name), help=explained)
    for name, explained in _LISTS.items():
        parser.add_argument(_option(name), action="append", help=explained)
    parser.add_argument(
        "--listing-visibility",
        type=one_of("unauth", "hidden"),
        help="unauth lets anybody know that it is there",
    )
    parser.add_argument("--options", action="append", default=[], metavar="KEY=VALUE", help="for the engine")
    if not of_tokens:
        parser.add_argument("--version", type=int, help="1 or 2, for type kv")
        return
    parser.add_argument("--token-type", help="default-service, default-batch, service or batch")
    for name, explained in _LOCKOUT.items():
        parser.add_argument(_option(name), help=explained)


def tuning_of(arguments: Namespace) -> dict[str, Any]:
    """Return what was said of a mount, as the API's ``config`` takes it."""
    given: dict[str, Any] = {}
    for name in (*_TEXTS, "listing_visibility", "token_type"):
        if (value := getattr(arguments, name, None)) is not None:
            given[name] = value
    for name in _LISTS:
        if (values := getattr(arguments, name)) is not None:
            given[name] = [word for value in values for word in value.split(",") if word]
    lockout = {
        name.removeprefix("user_"): value
        for name in _LOCKOUT
        if (value := getattr(arguments, name, None)) is not None
    }
    return {**given, "user_lockout_config": lockout} if lockout else given


def options_of(arguments: Namespace) -> dict[str, str]:
    """Return what is for the engine itself."""
    options = parse_option_pairs(arguments.options, option="--options")
    version = getattr(arguments, "version", None)
    return options if version is None else {**options, "version": str(version)}


def enabling(arguments: Namespace, kind: str) -> dict[str, Any]:
    """Return the body that mounts a ``kind``."""
    body: dict[str, Any] = {
        "type": arguments.plugin_name or kind,
        "description": arguments.description or "",
        "options": options_of(arguments),
    }
    config = tuning_of(arguments)
    if arguments.force_no_cache:
        config["force_no_cache"] = True
    if config:
        body["config"] = config
    return body | {
        name: True for name in ("local", "seal_wrap", "external_entropy_access") if getattr(arguments, name)
    }


def show_mounts(mounts: Mapping[str, Any], arguments: Namespace, *, with_version: bool = False) -> None:
    """Print a table of mounts, with everything that is known of them if that was asked for."""
    if arguments.format != "table":
        print_result(mounts, arguments.format)
    elif arguments.detailed:
        columns = [
            row for row in _DETAILS if any(_find(mount, row[1]) is not None for mount in mounts.values())
        ]
        print_table(
            ("Path", *(title for title, _ in columns)),
            [
                (path, *(_cell(name, _find(mounts[path], name)) for _, name in columns))
                for path in sorted(mounts)
            ],
        )
    else:
        columns = list(_FEW) + ([("Version", "plugin_version")] if with_version else [])
        print_table(
            ("Path", *(title for title, _ in columns)),
            [(path, *(mounts[path].get(name) for _, name in columns)) for path in sorted(mounts)],
        )


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")


def _find(mount: Mapping[str, Any], name: str) -> Any:
    found: Any = mount
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _cell(name: str, value: Any) -> Any:
    if name.endswith("_ttl"):
        return value or "system"
    if name == "local":
        return "local" if value else "replicated"
    return {} if name == "options" and value is None else value


def tuning(arguments: Namespace) -> dict[str, Any]:
    """Return the body that tunes a mount; empty if nothing was said."""
    body = tuning_of(arguments)
    if arguments.description is not None:
        body["description"] = arguments.description
    if options := options_of(arguments):
        body["options"] = options
    return body
