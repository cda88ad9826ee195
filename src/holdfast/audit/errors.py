"""What can go wrong with the audit trail.

UnavailableError
├── AuditSinkError              one device did not take its lines; the others decide
└── AuditFailedError            no device took them: the requests are refused
InvalidInputError
└── AuditConfigurationError     the device was never usable: wrong place, wrong kind of file
"""

from holdfast.errors import InvalidInputError, UnavailableError


class AuditSinkError(UnavailableError):
    """One device could not write."""


class AuditFailedError(UnavailableError):
    """No audit device accepted the record, so the request must not be answered."""

    def __init__(self, *, detail: str = "") -> None:
        super().__init__("the request was refused because it could not be audited", detail=detail)


class AuditConfigurationError(InvalidInputError):
    """A device's settings name something that audit lines must not be written to."""
