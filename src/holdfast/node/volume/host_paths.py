"""Which directories of the host a caller may name: those below the roots that the operator allowed.

A volume's user chooses where it is mounted, and the node does it with root's rights. Without a bound,
that user could mount over ``/etc``, or copy ``/root`` into a volume.
"""

from collections.abc import Sequence
from pathlib import Path

from holdfast.errors import InvalidInputError, PermissionDeniedError

DEFAULT_ROOTS = ("/mnt", "/media", "/var/lib/holdfast/mounts")


class HostPaths:
    """The allowed roots.

    Args:
        roots: absolute directories; symbolic links in them are resolved once, here.
    """

    def __init__(self, roots: Sequence[str | Path] = DEFAULT_ROOTS) -> None:
        self._roots = tuple(Path(root).resolve() for root in roots)

    def check(self, text: str, *, field: str) -> Path:
        """Return the directory that a caller named.

        Args:
            text: what the caller sent.
            field: the name of the field, for error texts.

        Raises:
            InvalidInputError: not absolute, not in its shortest form, or through a symbolic link.
            PermissionDeniedError: not below an allowed root.
        """
        path = Path(text)
        if not text.startswith("/") or "\0" in text or str(path) != text or ".." in path.parts:
            raise InvalidInputError(f"{field}: expected an absolute path in its shortest form")
        if not any(root in path.parents for root in self._roots):
            allowed = ", ".join(str(root) for root in self._roots)
            raise PermissionDeniedError(f"{field}: expected a directory below one of {allowed}")
        if path.resolve() != path:
            raise InvalidInputError(f"{field}: expected no symbolic link on the way")
        return path
