"""Ceremonies of share holders who have no token, on listeners that were told to allow it.

Their answers have no envelope, like those of unsealing.
"""

from collections.abc import Callable

from holdfast.api.vault.body import says_nothing
from holdfast.api.vault.errors import refuse
from holdfast.errors import HoldfastError
from holdfast.formats.strict_json import decode_object
from holdfast.http.message import Request, build_response
from holdfast.store.ceremonies.routes import GENERATION_PATHS, REKEY_PATHS, Build
from holdfast.store.core import Store
from holdfast.store.request import Answer, Operation

Reply = Callable[[bytes], None]


class OpenCeremonies:
    """Answers the paths of the ceremonies that are open to everybody.

    Args:
        store: whose holders come together.
        rekey: whether new shares may be dealt this way.
        root_generation: whether root tokens may be made this way.
    """

    def __init__(self, store: Store, *, rekey: bool = False, root_generation: bool = False) -> None:
        self._store = store
        self._paths: dict[tuple[str, Operation], Build] = {}
        if rekey:
            self._paths |= REKEY_PATHS
        if root_generation:
            self._paths |= GENERATION_PATHS

    def handle(self, request: Request, operation: Operation, path: str, reply: Reply) -> bool:
        """Answer the request if it is for one of these paths; ``False`` if it is not."""
        build = self._paths.get((path, operation))
        if build is None:
            return False
        command = build({} if says_nothing(request.body) else decode_object(request.body).values)

        def finish(outcome: Answer | HoldfastError) -> None:
            if isinstance(outcome, HoldfastError):
                reply(refuse(outcome))
            elif outcome.data is None:
                reply(build_response(204))
            else:
                reply(build_response(200, outcome.data))

        self._store.control(command, finish)
        return True
