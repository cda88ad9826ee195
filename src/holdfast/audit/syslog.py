"""Audit lines as messages of syslog, in the old form of RFC 3164 or that of RFC 5424."""

import os
import re
import socket
import time
from collections.abc import Callable

from holdfast.audit.errors import AuditConfigurationError
from holdfast.audit.socket_sink import Frame
from holdfast.clock import rfc3339

FACILITIES = {
    name: number
    for number, name in enumerate(
        (
            *("kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv"),
            *("ftp", "ntp", "security", "console", "solaris-cron"),
            *(f"local{index}" for index in range(8)),
        )
    )
}
RFC_3164, RFC_5424 = "rfc3164", "rfc5424"
MAX_TAG = 32

_SEVERITY_INFO = 6
_TAG = re.compile(rf"[A-Za-z0-9_./-]{{1,{MAX_TAG}}}")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def facility_of(name: str) -> int:
    """Return the number of a facility.

    Raises:
        AuditConfigurationError: there is none of this name.
    """
    number = FACILITIES.get(name.lower())
    if number is None:
        raise AuditConfigurationError("facility: expected a name of syslog, such as AUTH or LOCAL7")
    return number


def check_tag(tag: str) -> str:
    """Return a tag.

    Raises:
        AuditConfigurationError: it is none.
    """
    if not _TAG.fullmatch(tag):
        raise AuditConfigurationError(f"tag: expected at most {MAX_TAG} letters, digits, and any of _ . / -")
    return tag


def framer(
    form: str,
    *,
    facility: int,
    tag: str,
    prefix: bytes = b"",
    with_host: bool = True,
    is_stream: bool = False,
    now: Callable[[], float] = time.time,
) -> Frame:
    """Return what makes a message of a line.

    Args:
        form: ``RFC_3164`` or ``RFC_5424``.
        facility: its number.
        tag: what the messages are from.
        prefix: text before the line, inside the message.
        with_host: whether to name this host; to a socket of this host one does not, in the old form.
        is_stream: whether a line feed ends each message.
        now: the time, in Unix seconds.
    """
    priority, process = facility * 8 + _SEVERITY_INFO, os.getpid()
    host = re.sub(r"[^!-~]", "-", socket.gethostname())[:255] or "-"
    end = b"\n" if is_stream else b""

    def old(line: bytes) -> bytes:
        at = time.localtime(now())
        stamp = f"{_MONTHS[at.tm_mon - 1]} {at.tm_mday:2d} {at.tm_hour:02d}:{at.tm_min:02d}:{at.tm_sec:02d}"
        whence = f"{host} " if with_host else ""
        return b"%b%b%b%b" % (
            f"<{priority}>{stamp} {whence}{tag}[{process}]: ".encode(),
            prefix,
            line.rstrip(b"\n"),
            end,
        )

    def new(line: bytes) -> bytes:
        head = f"<{priority}>1 {rfc3339(int(now()))} {host} {tag} {process} - - "
        return b"%b%b%b%b" % (head.encode(), prefix, line.rstrip(b"\n"), end)

    return old if form == RFC_3164 else new
