"""``config``: what holds for all roles of a mount."""

from typing import Any

import msgspec

from holdfast.formats.strict_json import encode
from holdfast.store import fields
from holdfast.store.auth.method import AuthRoute
from holdfast.store.auth.visit import AuthVisit
from holdfast.store.command import Command
from holdfast.store.request import Answer, Operation

CONFIG_KEY = "config"


class CertConfig(msgspec.Struct, array_like=True, frozen=True):
    """Settings. Fields are only ever appended: their order is the record format.

    Attributes:
        disable_binding: renew tokens also for those who do not show the certificate that logged in.
        enable_identity_alias_metadata: kept and shown; what a login says of somebody is with his alias.
        ocsp_cache_size: kept and shown; nobody is asked by OCSP.
    """

    disable_binding: bool = False
    enable_identity_alias_metadata: bool = False
    ocsp_cache_size: int = 100


def _write(visit: AuthVisit) -> Command:
    return visit.change(CONFIG_KEY, CertConfig, lambda before: _changed(visit.values, before or CertConfig()))


def _changed(values: dict[str, Any], before: CertConfig) -> CertConfig:
    return CertConfig(
        disable_binding=fields.boolean(values, "disable_binding", default=before.disable_binding),
        enable_identity_alias_metadata=fields.boolean(
            values, "enable_identity_alias_metadata", default=before.enable_identity_alias_metadata
        ),
        ocsp_cache_size=fields.integer(values, "ocsp_cache_size", before.ocsp_cache_size),
    )


def _read(visit: AuthVisit) -> Answer:
    return Answer(data=encode(msgspec.structs.asdict(visit.load(CONFIG_KEY, CertConfig) or CertConfig())))


CONFIG_ROUTES = (
    AuthRoute("config", Operation.READ, _read),
    AuthRoute("config", Operation.WRITE, _write, creates=True),
)
