"""``holdfast exec``: its options, and the way from them to a running command.

In order: read the options and the app definition; refuse what collides; apply the space rule; read every
secret; put each where it belongs; become the command, or start it and stay. Nothing is started before
all of the steps above it have worked.

The exit code is the command's, or 128 and a signal's number. Codes of our own follow ``env`` and the
shells: 125 if the command was not started, 126 if it cannot be run, 127 if it is not there.
"""

import os
import random
import time
from argparse import ArgumentTypeError, Namespace
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from holdfast.cli.arguments import CommandParser, one_of
from holdfast.cli.errors import UsageError
from holdfast.cli.exec.app_definition import AppDefinition, read_app_definition
from holdfast.cli.exec.binding import Binding, Place, parse_binding, refuse_collisions
from holdfast.cli.exec.environment import inherited
from holdfast.cli.exec.errors import NotExecutableError
from holdfast.cli.exec.files import secrets_directory
from holdfast.cli.exec.reaction import Kind, Reaction, parse_reaction
from holdfast.cli.exec.recipe import Recipe
from holdfast.cli.exec.sources import (
    DcosSource,
    Delivery,
    Source,
    VaultSource,
    check_spaces,
    read_all,
)
from holdfast.cli.exec.supervisor import Supervisor, hold_signals, waker
from holdfast.cli.exec.watcher import MIN_INTERVAL_SECONDS, Watcher, wait_seconds
from holdfast.cli.holdfast.advice import advise
from holdfast.cli.holdfast.connection import add_server_options, connect, connect_dcos
from holdfast.cli.output import remark
from holdfast.cli.program import Run
from holdfast.errors import HoldfastError, InvalidInputError, SealedError, UnavailableError
from holdfast.model import parse_duration, parse_path
from holdfast.process.hardening import deny_inspection

EXIT_NOT_STARTED = 125
_FIRST_RETRY_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done, before the store is asked for anything.

    Attributes:
        argv: the command.
        variables: its environment without secrets.
        bindings: its secrets.
        source: where they are read.
    """

    argv: tuple[str, ...]
    variables: dict[str, str]
    bindings: tuple[Binding, ...]
    source: Source


def run_with_secrets(parser: CommandParser) -> Run:
    """Run a command with secrets in its environment, in files or in descriptors."""
    parser.usage = "holdfast exec [options] -- COMMAND [ARGUMENT...]"
    parser.add_argument("command", nargs="*", metavar="COMMAND", help="the program and its arguments")
    what = parser.add_argument_group("secrets; each of the first three may be given several times")
    what.add_argument("--env", action="append", default=[], metavar="NAME=SECRET", help="in a variable")
    what.add_argument("--file", action="append", default=[], metavar="PATH=SECRET", help="in a file")
    what.add_argument(
        "--fd",
        action="append",
        default=[],
        metavar="NAME=SECRET",
        help="as a descriptor; NAME is its path",
    )
    what.add_argument("--app", metavar="FILE", help="Marathon app definition, with DC/OS names of secrets")
    what.add_argument("--service-id", metavar="ID", help="only what this service may use [the id in --app]")
    what.add_argument(
        "--dialect",
        type=one_of("vault", "dcos"),
        help="how SECRET is read: vault is mount/path#field, dcos a path [vault; dcos with --app]",
    )
    what.add_argument("--mount", default="", help="of every SECRET in the Vault dialect")
    what.add_argument("--store-id", default="default", help="of every SECRET in the DC/OS dialect [default]")
    what.add_argument(
        "--wait", type=_duration, default=0, metavar="TIME", help="for a store that is away [0]"
    )
    how = parser.add_argument_group("the command")
    how.add_argument("--files-dir", metavar="DIR", help="to be made on tmpfs for the files [a fresh one]")
    how.add_argument("--pristine", action="store_true", help="inherit only PATH, HOME and the like")
    how.add_argument("--overwrite", action="store_true", help="replace variables that are set already")
    how.add_argument("--keep-token", action="store_true", help="let it inherit the token in the environment")
    watching = parser.add_argument_group("changes")
    watching.add_argument("--watch", action="store_true", help="look for changed secrets while it runs")
    watching.add_argument(
        "--on-change",
        type=parse_reaction,
        metavar="WHAT",
        help="restart, signal:NAME, run:COMMAND, exit or none [restart]",
    )
    watching.add_argument("--interval", type=_interval, default=30, metavar="TIME", help="of looks [30s]")
    watching.add_argument(
        "--grace", type=_duration, default=10, metavar="TIME", help="from TERM to KILL to end it [10s]"
    )
    add_server_options(parser)
    return _run


def _run(arguments: Namespace) -> int:
    try:
        return _start(arguments)
    except UsageError:
        raise  # the program prints its usage
    except NotExecutableError as error:
        return _report(error, error.code)
    except HoldfastError as error:
        return _report(error, EXIT_NOT_STARTED)
    except OSError as error:
        remark(f"Error: {error.filename or 'the system'}: {error.strerror}")
        return EXIT_NOT_STARTED


def _report(error: HoldfastError, code: int) -> int:
    remark(f"Error: {error.message}")
    if advice := advise(error):
        remark(advice)
    return code


def _start(arguments: Namespace) -> int:
    plan = _plan(arguments)
    deny_inspection()  # from here on this process holds secrets, until it becomes the command
    delivery = _first_delivery(plan, arguments.wait)
    has_files = any(binding.place is Place.FILE for binding in plan.bindings)
    if not has_files and not arguments.watch:
        Recipe(plan.argv, plan.variables, arguments.overwrite, None).prepare(delivery).become()
    mask = hold_signals()
    with ExitStack() as stack:
        directory = None
        if has_files:
            wanted = Path(arguments.files_dir) if arguments.files_dir else None
            directory = stack.enter_context(secrets_directory(wanted))
        recipe = Recipe(plan.argv, plan.variables, arguments.overwrite, directory)
        launch = recipe.prepare(delivery)
        recipe.write_files(delivery)
        watcher = _watcher(plan, delivery, arguments.interval) if arguments.watch else None
        for secret in delivery.values():
            secret.value.wipe()
        return _supervisor(recipe, arguments, mask).run(launch, watcher)


def _plan(arguments: Namespace) -> Plan:
    app = read_app_definition(Path(arguments.app)) if arguments.app else AppDefinition()
    bindings = (*app.bindings, *_bindings_of(arguments))
    argv = tuple(arguments.command) or app.command
    _refuse_contradictions(arguments, bindings, argv)
    refuse_collisions(bindings)
    source = _source(arguments)
    if service_id := arguments.service_id or app.service_id:
        check_spaces(bindings, source, parse_path(service_id, field="service id"))
    variables = inherited(os.environ, pristine=arguments.pristine, keep_token=arguments.keep_token)
    return Plan(argv, {**variables, **app.variables}, bindings, source)


def _bindings_of(arguments: Namespace) -> tuple[Binding, ...]:
    return tuple(parse_binding(place, text) for place in Place for text in getattr(arguments, place.value))


def _refuse_contradictions(
    arguments: Namespace, bindings: tuple[Binding, ...], argv: tuple[str, ...]
) -> None:
    if not argv:
        raise UsageError("expected a command after --, or an --app that names one")
    if not bindings:
        raise UsageError("expected at least one secret: --env, --file, --fd, or an --app that uses one")
    if arguments.service_id == "":
        raise UsageError("--service-id: expected the id of a service")
    if arguments.on_change and not arguments.watch:
        raise UsageError("--on-change: makes sense with --watch only")
    if arguments.files_dir and not any(binding.place is Place.FILE for binding in bindings):
        raise UsageError("--files-dir: makes sense with --file only, or an --app that has files")


def _source(arguments: Namespace) -> Source:
    dialect = arguments.dialect or ("dcos" if arguments.app else "vault")
    if dialect == "vault":
        return VaultSource(connect(arguments), mount=arguments.mount)
    if arguments.mount:
        raise UsageError("--mount: makes sense in the Vault dialect only")
    return DcosSource(connect_dcos(arguments, store=arguments.store_id))


def _watcher(plan: Plan, delivery: Delivery, interval_seconds: int) -> Watcher:
    return Watcher(
        lambda: read_all(plan.bindings, plan.source),
        first=delivery,
        interval_seconds=interval_seconds,
        notify=waker(),
    )


def _supervisor(recipe: Recipe, arguments: Namespace, mask: set[int]) -> Supervisor:
    reaction = arguments.on_change or Reaction(Kind.RESTART)
    return Supervisor(
        mask=mask,
        prepare=recipe.prepare,
        write_files=recipe.write_files,
        run_helper=lambda process: recipe.run_helper(reaction.command, mask, process),
        reaction=reaction,
        grace_seconds=arguments.grace,
    )


def _first_delivery(plan: Plan, wait_at_most_seconds: float) -> Delivery:
    """Read every secret; ask again while there is time and the store is away or sealed."""
    deadline = time.monotonic() + wait_at_most_seconds
    failures = 0
    while True:
        try:
            return read_all(plan.bindings, plan.source)
        except (UnavailableError, SealedError):
            pause = wait_seconds(_FIRST_RETRY_SECONDS, failures, jitter=random.random())  # noqa: S311
            failures += 1
            if time.monotonic() + pause > deadline:
                raise
            time.sleep(pause)


def _duration(text: str) -> int:
    try:
        return parse_duration(text, field="duration")
    except InvalidInputError:
        raise ArgumentTypeError("expected a duration such as 90s, 30m or 1h30m") from None


def _interval(text: str) -> int:
    seconds = _duration(text)
    if seconds < MIN_INTERVAL_SECONDS:
        raise ArgumentTypeError(f"expected at least {MIN_INTERVAL_SECONDS}s")
    return seconds
