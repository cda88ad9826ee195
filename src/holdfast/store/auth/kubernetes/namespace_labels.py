"""Which namespaces a role is for, by their labels: a label selector as Kubernetes has it.

The labels are the cluster's to tell, so they are asked for at each login, once the token was found good. Who
may set the labels of a namespace decides with it who may log in.

    matchLabels: {team: blue}
    matchExpressions: [{key: stage, operator: In, values: [test, live]}]
"""

import logging
import re
from http import HTTPStatus
from typing import Any, Literal

import msgspec

from holdfast.client.outside import ask, read_object
from holdfast.errors import InvalidInputError
from holdfast.store.auth.kubernetes.config import CLUSTER, KubernetesConfig
from holdfast.store.auth.kubernetes.service_account import refused

FIELD = "bound_service_account_namespace_selector"
MAX_TEXT = 4096
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_EXPECTED = f"{FIELD}: expected a label selector in JSON or YAML, with matchLabels or matchExpressions"

log = logging.getLogger(__name__)


class Requirement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one label has to be; ``NotIn`` and ``DoesNotExist`` hold without the label, too."""

    key: str
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    values: tuple[str, ...] = ()

    def holds(self, labels: dict[str, str]) -> bool:
        """Tell whether labels are as it says."""
        if self.operator in {"Exists", "DoesNotExist"}:
            return (self.key in labels) is (self.operator == "Exists")
        return (labels.get(self.key) in self.values) is (self.operator == "In")


class Selector(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A label selector; all that it says has to hold."""

    match_labels: dict[str, str] = {}
    match_expressions: tuple[Requirement, ...] = ()

    def selects(self, labels: dict[str, str]) -> bool:
        """Tell whether a namespace with these labels is meant."""
        return all(labels.get(key) == value for key, value in self.match_labels.items()) and all(
            requirement.holds(labels) for requirement in self.match_expressions
        )


def read_selector(text: str) -> Selector:
    """Return a selector from its text.

    Raises:
        InvalidInputError: it is none, or says nothing: that would be every namespace.
    """
    import yaml  # noqa: PLC0415 - seldom needed, and slow to load

    if len(text) > MAX_TEXT:
        raise InvalidInputError(f"{FIELD}: expected at most {MAX_TEXT} characters")
    try:
        selector = msgspec.convert(yaml.safe_load(text), Selector)
    except (yaml.YAMLError, msgspec.ValidationError, RecursionError, ValueError):
        raise InvalidInputError(_EXPECTED) from None
    if not selector.match_labels and not selector.match_expressions:
        raise InvalidInputError(f'{_EXPECTED}; for every namespace, name the namespace "*"')
    for requirement in selector.match_expressions:
        if bool(requirement.values) is not (requirement.operator in {"In", "NotIn"}):
            raise InvalidInputError(f"{FIELD}: expected values with In and NotIn, and only with those")
    return selector


def require_labels(config: KubernetesConfig, token: str, namespace: str, selector: Selector) -> None:
    """Return if the cluster says that a namespace has the labels; blocks.

    Raises:
        PermissionDeniedError: it has not, or the cluster does not let us ask.
        UnavailableError: the cluster does not answer.
    """
    if not _NAME.fullmatch(namespace):
        raise refused("its namespace is none")
    answer = ask(
        f"{config.kubernetes_host}/api/v1/namespaces/{namespace}",
        ca_pem=config.authorities(),
        headers={"Authorization": f"Bearer {config.bearer() or token}"},
        what=CLUSTER,
    )
    if answer.status != HTTPStatus.OK:
        log.warning(
            "%s did not show a namespace, with status %d; may the reviewer token get namespaces?",
            CLUSTER,
            answer.status,
        )
        raise refused(f"the cluster did not show its namespace, with status {int(answer.status)}")
    if not selector.selects(_labels_in(read_object(answer.body, what=CLUSTER), namespace)):
        raise refused("namespace not authorized")


def _labels_in(document: dict[str, Any], namespace: str) -> dict[str, str]:
    metadata = document.get("metadata")
    if not isinstance(metadata, dict) or metadata.get("name") != namespace:
        raise refused("the cluster showed another namespace")
    try:
        return msgspec.convert(metadata.get("labels") or {}, dict[str, str])
    except msgspec.ValidationError:
        raise refused("the labels of its namespace cannot be read") from None
