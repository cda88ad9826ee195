"""A store as a login in one of its namespaces sees it."""

from holdfast.store.command import Command
from holdfast.store.login_steps import Host
from holdfast.store.namespaces.records import Namespace
from holdfast.store.open_store import OpenStore
from holdfast.store.request import Done


class HostWithin:
    """What a login needs of the store, in one namespace.

    Args:
        host: the store.
        namespace: where somebody logs in.
    """

    def __init__(self, host: Host, namespace: Namespace) -> None:
        self._host = host
        self._namespace = namespace

    @property
    def opened(self) -> OpenStore | None:
        """What is open for the namespace; ``None`` while the store is sealed.

        Raises:
            NotFoundError: the namespace was deleted meanwhile.
        """
        opened = self._host.opened
        return None if opened is None else opened.namespaces.at(self._namespace.path)

    def submit(self, command: Command, done: Done) -> None:
        """Hand a command for the namespace to the keeper."""
        self._host.submit(command.within(self._namespace.uuid), done)

    def follow_nodes(self) -> None:
        """Be as new as the moment demands, on storage that nodes share."""
        self._host.follow_nodes()
