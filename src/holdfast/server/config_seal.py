"""The ``seal`` stanza of a configuration file: how a new store is sealed, and how it opens itself.

seal "shamir" {}

seal "gpg" {
private_key      = "file"                      # storage, file, credential or none
private_key_file = "/srv/keys/holdfast.asc"    # for file; made at the first start if it is not there
credential       = "seal-key"                  # for credential: its name with systemd
public_key_files = ["/etc/holdfast/ada.asc"]   # for none: one for each share
threshold        = 1                           # for none: how many of these people unseal
dcos_root_token_in_init = false                # true: show superusers the first root token, as DC/OS did
}

The third type, ``transit``, is described in ``config_seal_transit``.
"""

import os
from pathlib import Path
from typing import Any

from holdfast.barrier.seal_config import GPG, SHAMIR, TRANSIT
from holdfast.crypto.openpgp import MAX_KEY_BYTES, read_recipient
from holdfast.errors import InvalidInputError
from holdfast.formats.hcl import Block
from holdfast.server.config_fields import boolean, integer, text
from holdfast.server.config_seal_transit import read_transit_seal
from holdfast.store.seal_settings import Place, SealSettings

_REVEAL = "dcos_root_token_in_init"
_NAMES_BY_PLACE = {
    Place.STORAGE: set[str](),
    Place.FILE: {"private_key_file"},
    Place.CREDENTIAL: {"credential"},
    Place.NONE: {"public_key_files", "threshold"},
}
_MOST_SHARES = 255


def read_seal(block: Block) -> SealSettings:
    """Return the settings that a ``seal`` stanza describes."""
    given = dict(block.attributes)
    if block.labels not in {(SHAMIR,), (GPG,), (TRANSIT,)} or block.blocks:
        raise InvalidInputError("expected the seal type shamir, gpg or transit; others are not offered")
    if block.labels == (TRANSIT,):
        return read_transit_seal(given)
    reveal = boolean(_REVEAL, given.pop(_REVEAL, False))
    if block.labels == (SHAMIR,):
        _refuse_unknown(given, set())
        return SealSettings(reveal_root_token=reveal)
    try:
        place = Place(str(given.pop("private_key", Place.FILE)))
    except ValueError:
        raise InvalidInputError("private_key: expected storage, file, credential or none") from None
    _refuse_unknown(given, _NAMES_BY_PLACE[place])
    public_keys = _public_keys(given) if place is Place.NONE else ()
    return SealSettings(
        type=GPG,
        place=place,
        path=_path(place, given),
        public_keys=public_keys,
        threshold=integer("threshold", given.get("threshold", 1), lowest=1, highest=max(1, len(public_keys))),
        reveal_root_token=reveal,
    )


def _path(place: Place, given: dict[str, Any]) -> str:
    if place is Place.FILE:
        path = text("private_key_file", given.get("private_key_file"))
        if not Path(path).is_absolute():
            raise InvalidInputError("private_key_file: expected an absolute path")
        return path
    if place is Place.CREDENTIAL:
        name = text("credential", given.get("credential"))
        directory = os.environ.get("CREDENTIALS_DIRECTORY", "")
        if "/" in name or not directory:
            raise InvalidInputError("credential: expected the name of a credential of this systemd service")
        return str(Path(directory) / name)
    return ""


def _public_keys(given: dict[str, Any]) -> tuple[bytes, ...]:
    paths = given.get("public_key_files")
    if not isinstance(paths, list) or not 0 < len(paths) <= _MOST_SHARES:
        raise InvalidInputError("public_key_files: expected a list with a file for each share")
    keys = []
    for path in paths:
        try:
            with Path(text("public_key_files", path)).open("rb") as file:
                keys.append(file.read(MAX_KEY_BYTES + 1))
        except OSError as error:
            raise InvalidInputError(f"public_key_files: cannot be read: {error.strerror}") from None
    if len({read_recipient(key).fingerprint for key in keys}) < len(keys):
        raise InvalidInputError("public_key_files: expected a different key in each")
    return tuple(keys)


def _refuse_unknown(given: dict[str, Any], known: set[str]) -> None:
    unknown = sorted(given.keys() - known)
    if unknown:
        raise InvalidInputError(f"unknown setting {unknown[0]}, or one that does not go with private_key")
