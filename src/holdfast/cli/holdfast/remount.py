"""Moving a mount: asked for, and waited for until it is done."""

import time

from holdfast.cli.errors import LocalError
from holdfast.cli.holdfast.answers import data_of, show_warnings
from holdfast.client import VaultClient
from holdfast.client.errors import RemoteUnavailableError

PAUSE_SECONDS = 0.5
MOST_SECONDS = 600


def remount(client: VaultClient, source: str, target: str) -> None:
    """Move a mount with all that is stored in it, and say so.

    Args:
        client: to ask.
        source: path of the mount without slashes around it; of an auth method, with ``auth/`` before it.
        target: its path from then on.

    Raises:
        RemoteUnavailableError: the store says that it failed.
        LocalError: it takes so long that waiting for it makes no sense.
    """
    answer = client.request("POST", "sys/remount", {"from": f"{source}/", "to": f"{target}/"})
    number = data_of(answer).get("migration_id")
    if number:
        _wait(client, str(number))
    else:
        show_warnings(answer)
    print(f"Success! Moved {source}/ to {target}/")


def _wait(client: VaultClient, number: str) -> None:
    deadline = time.monotonic() + MOST_SECONDS
    while time.monotonic() < deadline:
        state = data_of(client.request("GET", f"sys/remount/status/{number}")).get("migration_info") or {}
        if state.get("status") == "success":
            return
        if state.get("status") == "failure":
            raise RemoteUnavailableError("the mount could not be moved; the store's log says why")
        time.sleep(PAUSE_SECONDS)
    raise LocalError(f"the mount is still being moved; ask again at sys/remount/status/{number}")
