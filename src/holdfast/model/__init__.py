"""Value types that every room speaks: paths, durations, principals, secret bytes. No input or output."""

from holdfast.model.duration import format_go_duration, format_short_duration, parse_duration
from holdfast.model.path import MAX_REMEMBERED_BYTES, Path, parse_path, parse_target, read_target
from holdfast.model.principal import Principal
from holdfast.model.secret_bytes import SecretBytes

__all__ = [
    "MAX_REMEMBERED_BYTES",
    "Path",
    "Principal",
    "SecretBytes",
    "format_go_duration",
    "format_short_duration",
    "parse_duration",
    "parse_path",
    "parse_target",
    "read_target",
]
