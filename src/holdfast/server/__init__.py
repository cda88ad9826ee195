"""The store process: from configuration to listeners, keeper and workers.

``run`` is all that a command line needs.
"""

from collections.abc import Sequence

__all__ = ["run"]


def run(
    *,
    config_paths: Sequence[str] = (),
    dev: bool = False,
    dev_root_token: str | None = None,
    dev_listen_address: str | None = None,
) -> int:
    """Serve a store until told to stop; return the exit status.

    Args:
        config_paths: configuration files or directories.
        dev: a throw-away store instead: in memory, unsealed, on loopback.
        dev_root_token: the root token of a throw-away store; random when ``None``.
        dev_listen_address: where a throw-away store listens.

    Raises:
        InvalidInputError: the configuration cannot be used, or the host does not give what it asks for.
    """
    from holdfast.server.start import start  # noqa: PLC0415 - a command line imports this room for its name

    return start(
        config_paths=config_paths,
        dev=dev,
        dev_root_token=dev_root_token,
        dev_listen_address=dev_listen_address,
    )
