"""``holdfast demo``: the main job end to end, on real parts, in a fresh directory, leaving nothing behind."""

import json
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from holdfast.cli.arguments import CommandParser
from holdfast.cli.demo.interruption import Interruption
from holdfast.cli.errors import UsageError
from holdfast.cli.program import EXIT_INTERRUPTED, EXIT_LOCAL_ERROR, EXIT_OK, Run
from holdfast.errors import HoldfastError

if TYPE_CHECKING:
    from holdfast.cli.demo.report import Report
    from holdfast.cli.demo.stage import Stage


def demo(parser: CommandParser) -> Run:
    """Run the main job: seal and unseal a store, key an encrypted volume from it, guard it with tokens.

    Starts a store and a storage node of its own in a fresh directory, uses them as real users would, shows
    what is refused, and takes everything down again. Needs no network and no preparation.
    """
    parser.add_argument(
        "--input", metavar="DIR", help="the file tree to put into the volume [the project's docs]"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document for programs")
    parser.add_argument(
        "--keep", action="store_true", help="leave store and node running, and say how to use them"
    )
    return _demo


def _demo(arguments: Namespace) -> int:
    from holdfast.cli.demo.report import Report, people_stream
    from holdfast.cli.demo.stage import set_stage

    source = _source(arguments.input)
    report = Report(people_stream(as_json=arguments.json))
    # A terminated demo cleans up like an interrupted one.
    interruption = Interruption()
    interruption.listen()
    stage = set_stage()
    kept = False
    try:
        status = _run(stage, report, source, interruption)
        kept = arguments.keep and status == EXIT_OK
    finally:
        problems = [] if kept else stage.close()
    for problem in problems:
        report.say(f"clean-up: {problem}")
        status = status or EXIT_LOCAL_ERROR
    if kept:
        _describe_kept(stage, report)
    _summarise(report, status)
    if arguments.json:
        print(
            json.dumps({**report.document(), "exit_status": status, "clean_up_problems": problems}, indent=2)
        )
    return status


def _run(stage: "Stage", report: "Report", source: Path, interruption: Interruption) -> int:
    from holdfast.cli.demo import steps

    try:
        for chapter in steps.chapters(stage, report, source):
            chapter()
            interruption.check()
    except KeyboardInterrupt:
        report.say("\ninterrupted; cleaning up")
        return EXIT_INTERRUPTED
    except HoldfastError as error:
        report.say(f"\n{error.message}")
        return EXIT_LOCAL_ERROR
    return EXIT_OK


def _source(chosen: str | None) -> Path:
    if chosen is not None:
        if not Path(chosen).is_dir():
            raise UsageError("--input: expected a directory")
        return Path(chosen).resolve()
    # In a checkout the project's own documents; in an installation this package's sources.
    package = Path(__file__).resolve().parents[2]
    docs = package.parents[1] / "docs"
    return docs if docs.is_dir() else package


def _describe_kept(stage: "Stage", report: "Report") -> None:
    files = stage.write_token_files()
    report.details["kept"] = {
        "directory": str(stage.directory),
        "store_url": stage.store_url,
        "node_url": stage.node_url,
        "token_files": {name: str(path) for name, path in files.items()},
        "processes": stage.let_go(),
    }
    report.say("\nLeft running, as asked:")
    report.say(f"    store   {stage.store_url}")
    report.say(f"    node    {stage.node_url}")
    for name, path in files.items():
        report.say(f"    {name:<7} {path}")
    report.say("\nTry next:")
    report.say(f"    export HOLDFAST_ADDR={stage.store_url}")
    report.say(f"    holdfast login - < {files['root']}")
    report.say("    holdfast kv get secret/team/database")
    report.say(f"    HOME={stage.directory} hfctl --context admin status")
    processes = " ".join(str(pid) for pid in report.details["kept"]["processes"])
    report.say(f"\nTo end it: kill {processes}; rm -r {stage.directory}")


def _summarise(report: "Report", status: int) -> None:
    document = report.document()
    report.say("\nSummary")
    for number, step in enumerate(document["steps"], start=1):
        mark = "ok    " if step["passed"] else "FAILED"
        report.say(f"    {number:>2}  {mark}  {step['seconds']:>6.2f} s  {step['title']}")
    verdict = (
        "everything came out as it should" if status == EXIT_OK else "NOT everything came out as it should"
    )
    report.say(f"    {document['seconds']:.1f} s in all; {verdict}")
