"""Which dialect answers a request: decided by the first segments of its target, nothing else."""

from collections.abc import Callable

from holdfast.api.dcos.dialect import DcosDialect
from holdfast.api.dcos.errors import error_body as dcos_error_body
from holdfast.api.dcos.errors import title_of
from holdfast.api.iam.dialect import IamDialect
from holdfast.api.iam.target import PREFIX as IAM_PREFIX
from holdfast.api.vault.dialect import VaultDialect
from holdfast.api.vault.errors import errors_body
from holdfast.api.vault.open_ceremonies import OpenCeremonies
from holdfast.formats.strict_json import MAX_STRINGS
from holdfast.http.message import Request, build_response
from holdfast.store.core import Store
from holdfast.ui.pages import Pages

_VAULT = b"/v1/"
_DCOS = b"/secrets/v1/"
_JSON = "application/json"
_TOO_LARGE = 413
_NOT_FOUND = build_response(404, errors_body("expected a path below /v1/, /secrets/v1/ or /acs/api/v1/"))

Reply = Callable[[bytes], None]


class Application:
    """All dialects over one store.

    Args:
        store: where requests go.
        pages: the web page, where it is offered.
        ceremonies: what share holders may do without a token.
        open_metrics: whether metrics are shown to anybody.
        max_json_strings: how many strings one body of the Vault API may hold.
    """

    def __init__(
        self,
        store: Store,
        pages: Pages | None = None,
        ceremonies: OpenCeremonies | None = None,
        *,
        open_metrics: bool = False,
        max_json_strings: int = MAX_STRINGS,
    ) -> None:
        self._vault = VaultDialect(
            store, ceremonies, max_json_strings=max_json_strings, open_metrics=open_metrics
        ).handle
        self._iam = IamDialect(store).handle
        self._dcos = DcosDialect(store).handle
        self._pages = pages

    def handle(self, request: Request, reply: Reply) -> None:
        """Answer one request through the dialect that it is written in."""
        target = request.target
        if target.startswith(_VAULT):
            self._vault(request, reply)
        elif target.startswith(_DCOS):
            self._dcos(request, reply)
        elif target.startswith(IAM_PREFIX):
            self._iam(request, reply)
        elif self._pages is not None and self._pages.owns(target):
            self._pages.handle(request, reply)
        else:
            reply(_NOT_FOUND)


def error_body(status: int, text: str, target: bytes) -> tuple[str, bytes]:
    """Word an error of the listener itself in the dialect of the request it is about."""
    if target.startswith((_DCOS, IAM_PREFIX)):
        return _JSON, dcos_error_body(title_of(status), text)
    return _JSON, errors_body(f"http: request body too large: {text}" if status == _TOO_LARGE else text)
