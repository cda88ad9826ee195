"""An HSM in software: SoftHSM with one token and one AES key that cannot be taken out."""

import os
import subprocess
from pathlib import Path

import pkcs11
from pkcs11 import Attribute, KeyType

MODULE = "/usr/lib/softhsm/libsofthsm2.so"
PIN, KEY = "271828", "node-key"


def make_token(directory: Path, label: str) -> dict[str, str]:
    """Make a token with a key; return the settings of a provider.

    The library reads where its tokens are once in the life of a process, so all tokens of a test process lie
    in the directory of the first.
    """
    tokens = Path(os.environ.setdefault("SOFTHSM2_CONF", str(directory / "softhsm2.conf")))
    if not tokens.exists():
        (directory / "tokens").mkdir()
        tokens.write_text(
            f"directories.tokendir = {directory / 'tokens'}\nobjectstore.backend = file\nlog.level = ERROR\n"
        )
    subprocess.run(
        ["softhsm2-util", "--init-token", "--free", "--label", label, "--pin", PIN, "--so-pin", "31415926"],
        check=True,
        capture_output=True,
        timeout=60,
    )
    library = pkcs11.lib(MODULE)
    library.reinitialize()
    with library.get_token(token_label=label).open(user_pin=PIN, rw=True) as session:
        hidden = {Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False}
        session.generate_key(KeyType.AES, 256, label=KEY, store=True, template=hidden)
    return {
        "PKCS11_MODULE": MODULE,
        "PKCS11_TOKEN_LABEL": label,
        "PKCS11_KEY_LABEL": KEY,
        "PKCS11_PIN": PIN,
    }
