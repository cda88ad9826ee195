"""The ``hfctl`` program: makes tokens, and works with a storage node the way ``pxctl`` users know.

``holdfast.cli.program`` documents the exit codes.
"""

from holdfast.cli.hfctl.commands import PROGRAM

__all__ = ["main"]


def main() -> int:
    """Run the command line of this process; return the exit code."""
    return PROGRAM.main()
