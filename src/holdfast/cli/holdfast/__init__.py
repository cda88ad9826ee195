"""The ``holdfast`` program: starts a store, and works with one through the Vault and DC/OS dialects.

Commands, options, environment variables and table layouts are those that users of ``vault`` and
``dcos security secrets`` know. ``holdfast.cli.program`` documents the exit codes.
"""

from holdfast.cli.holdfast.commands import PROGRAM

__all__ = ["main"]


def main() -> int:
    """Run the command line of this process; return the exit code."""
    return PROGRAM.main()
