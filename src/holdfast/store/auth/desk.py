"""Where requests without a token arrive: those that want to log in by an auth method."""

from collections.abc import Callable
from copy import copy

from holdfast.clock import Clock
from holdfast.store.audit.trail import AuditTrail
from holdfast.store.auth.login import Conclude, Login
from holdfast.store.auth.methods import METHODS
from holdfast.store.auth.provider_keys import Providers
from holdfast.store.login_steps import Host, Offload
from holdfast.store.namespaces.host import HostWithin
from holdfast.store.namespaces.records import Namespace
from holdfast.store.request import Done, StoreRequest
from holdfast.store.wrapping.conclude import Conclusion


class MethodDesk:
    """The logins of one store, as one process serves it.

    Args:
        host: the store.
        audit: its audit trail.
        clock: the time.
        offload: does work that takes the processor.
        outside: does work that waits for other machines.

    Attributes are as the arguments, and ``providers``, whose keys are remembered.
    """

    def __init__(
        self, host: Host, audit: AuditTrail, clock: Clock, *, offload: Offload, outside: Offload
    ) -> None:
        self.host = host
        self.audit = audit
        self.clock = clock
        self.offload = offload
        self.outside = outside
        self.providers = Providers()
        self.conclude: Conclude = Conclusion(host.submit, audit, clock).give

    def takes(self, request: StoreRequest, again: Callable[[Exception], bool], done: Done) -> bool:
        """Serve the request if it is a login; ``False`` if it is not, and needs a token.

        Args:
            request: below ``auth/``.
            again: serves it anew if another node was in its way, and tells whether it does.
            done: gets the answer, now or later.
        """
        tools = self if not request.namespace else self._within(request.within)
        opened = tools.host.opened
        if opened is None:
            return False
        mount = opened.auth_mounts.find(request.path)
        method = None if mount is None else METHODS.get(mount.type)
        if mount is None or method is None:
            return False
        begin = method.entrance(request.path[len("auth/") + len(mount.path) :], request.operation)
        if begin is None:
            return False
        Login(tools, request, mount, method.defaults, again=again, done=done).begin(begin, method.shown)
        return True

    def _within(self, namespace: Namespace) -> "MethodDesk":
        """Return the same desk in a namespace."""
        desk = copy(self)
        desk.host = HostWithin(self.host, namespace)
        return desk
