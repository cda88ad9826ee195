"""The other nodes, as one that was handed a share of the unseal key reaches them.

Shares go over verified TLS to the addresses of the configuration, and are marked as meant for the node that
gets them, so that none is passed on twice.
"""

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from holdfast.client import TlsSettings, VaultClient
from holdfast.errors import HoldfastError
from holdfast.store.keeper_commands import ResetUnsealing, SubmitShare

TIMEOUT_SECONDS = 5.0

log = logging.getLogger("holdfast.server")


class PeerClients:
    """See the module.

    Args:
        addresses: of the other nodes.
        ca_file: whose certificates they have; empty for the authorities of the host.
    """

    def __init__(self, addresses: Sequence[str], *, ca_file: str) -> None:
        self._addresses = tuple(addresses)
        self._tls = TlsSettings(ca_cert=ca_file)

    def pass_on(self, command: SubmitShare | ResetUnsealing) -> list[str]:
        """Give the same to every other node; return the addresses of those that did not take it."""
        with ThreadPoolExecutor(max_workers=len(self._addresses)) as threads:
            taken = list(threads.map(lambda address: self._tell(address, command), self._addresses))
        return [address for address, done in zip(self._addresses, taken, strict=True) if not done]

    def _tell(self, address: str, command: SubmitShare | ResetUnsealing) -> bool:
        body = {"key": command.share} if isinstance(command, SubmitShare) else {"reset": True}
        client = VaultClient(address, tls=self._tls, timeout_seconds=TIMEOUT_SECONDS)
        try:
            client.request("PUT", "sys/unseal", body, query={"this_node": "true"})
        except HoldfastError as error:
            log.error("peer %s: not passed on: %s", address, error.message)  # noqa: TRY400 - it says all
            return False
        finally:
            client.close()
        return True
