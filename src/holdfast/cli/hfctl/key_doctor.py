"""``hfctl volume key doctor``: which volumes would not come back after a reboot."""

from argparse import Namespace
from typing import Any

from holdfast.cli.arguments import CommandParser
from holdfast.cli.hfctl.connection import add_node_options, node_client, output_format, prints_for_programs
from holdfast.cli.hfctl.volume import describe_key
from holdfast.cli.output import print_result, print_table
from holdfast.cli.program import EXIT_REMOTE_ERROR, Run


def doctor(parser: CommandParser) -> Run:
    """Find volumes whose key is missing, old or unreadable; exit code 2 if there are any.

    Nothing is changed. For example:

        hfctl volume key doctor
        hfctl volume key doctor data --quick
    """
    parser.add_argument("volume", nargs="*", help="names or ids; without any, every volume that you may see")
    parser.add_argument("--quick", action="store_true", help="look whether each key is there, do not try it")
    add_node_options(parser)
    return _doctor


def _doctor(arguments: Namespace) -> int:
    body = {"volume_ids": arguments.volume, "quick": arguments.quick}
    findings = node_client(arguments).request("POST", "volumes/keys/doctor", body).get("findings", [])
    ill = [finding for finding in findings if not finding.get("healthy")]
    if prints_for_programs(arguments):
        print_result({"findings": findings}, output_format(arguments))
    else:
        _print(findings, ill)
    return EXIT_REMOTE_ERROR if ill else 0


def _print(findings: list[dict[str, Any]], ill: list[dict[str, Any]]) -> None:
    if ill:
        print_table(
            ("Volume", "Key", "Verdict", "What is wrong"),
            [
                (finding["name"], describe_key(finding["key"]), finding["verdict"], finding["problem"])
                for finding in ill
            ],
        )
        for verdict, advice in sorted({finding["verdict"]: finding["advice"] for finding in ill}.items()):
            print(f"{verdict}: {advice}")
    print(f"{len(findings)} encrypted volume(s) examined, {len(ill)} of them need attention.")
