"""The storage node process: from arguments, ``config.json`` and environment to a listening node.

``run`` is all that a command line needs.
"""

from holdfast.noded.options import NodeOptions

__all__ = ["NodeOptions", "run"]


def run(options: NodeOptions) -> int:
    """Serve a storage node until told to stop; return the exit status.

    Args:
        options: the command line's values.

    Raises:
        HoldfastError: the configuration cannot be used, or the address is taken.
    """
    from holdfast.noded.process import serve  # noqa: PLC0415 - a command line imports this room for its name

    return serve(options)
