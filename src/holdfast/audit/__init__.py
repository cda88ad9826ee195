"""The audit trail: two JSON lines a request, written before the client sees an answer.

The promise: where at least one device is configured, no operation runs and no secret leaves unless
at least one device has taken its line. The order of calls, in the hands of the hall that runs a
request:

    entry = broker.entry(...)           who asks for what
    broker.request(entry, ...)          before the operation
    broker.flush()                      now, if the operation changes something
    broker.response(entry, ...)         when the outcome is known
    broker.flush()                      before the answer leaves; one write for many requests

``flush`` raises ``AuditFailedError`` when no device took the lines; then every answer they belong to
is refused. A device whose receiver is slow or away does not keep others waiting, see ``socket_sink``.

What a line shows in clear: times, the kind of operation, paths and mount names, request ids, remote
addresses, names of policies, display and entity names, names of members, numbers, true, false and null,
and texts of errors (which carry no submitted value). What it shows as ``hmac-sha256:...`` under the
device's own key: tokens, accessors and every text value in request and response data. A number that is a
secret is therefore not protected: store it as text. Equal values have equal hashes within one device,
and ``AuditBroker.hash`` lets an operator look for a known one.

Lines are chained under a key of the store's, see ``chain``: what is done to a file later is noticed by
``verify``.

The lines have the layout of the Vault audit devices; a response line leaves out the request's data. What a
device is told otherwise is in ``settings``.
"""

from holdfast.audit.broker import AuditBroker
from holdfast.audit.chain import chain_key
from holdfast.audit.device import AuditDevice, LineSettings
from holdfast.audit.entry import UNAUDITED_PATHS, AuditAuth, AuditEntry, AuditTarget
from holdfast.audit.errors import AuditConfigurationError, AuditFailedError, AuditSinkError
from holdfast.audit.file_sink import FileSink
from holdfast.audit.hasher import ValueHasher
from holdfast.audit.settings import DeviceSettings, read_options
from holdfast.audit.sink import AuditSink
from holdfast.audit.socket_sink import SocketSink
from holdfast.audit.verify import Fault, Finding, Verifier

__all__ = [
    "UNAUDITED_PATHS",
    "AuditAuth",
    "AuditBroker",
    "AuditConfigurationError",
    "AuditDevice",
    "AuditEntry",
    "AuditFailedError",
    "AuditSink",
    "AuditSinkError",
    "AuditTarget",
    "DeviceSettings",
    "Fault",
    "FileSink",
    "Finding",
    "LineSettings",
    "SocketSink",
    "ValueHasher",
    "Verifier",
    "chain_key",
    "read_options",
]
