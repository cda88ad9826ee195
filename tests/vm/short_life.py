"""A short life of keys by way of dm-crypt, watched: what differs from provider to provider, and no more."""

import os

from tests.support.key_life import assert_unseen, attach_new, change_keys, files_of, keys_in
from tests.support.provider_surroundings import READ_ONLY
from tests.support.sampler import Sampler
from tests.support.striking_node import StrikingNode

# An emulated processor takes much longer for any program, and looking is work.
PAUSE_SECONDS = 0.015 if os.environ.get("HOLDFAST_EMULATED") == "1" else 0.004


def go_through_short_life(kind, surroundings, starter, directory):
    """Have a node use a volume with the keys of a kind of provider; none of them is seen."""
    environment = surroundings.of(kind, directory)
    options = ("-secret_type", kind, "--backend", "dm-crypt", "--grpc-listen", "off")
    own_key = kind != READ_ONLY
    with (
        Sampler(directory / "secrets", pause_seconds=PAUSE_SECONDS) as sampler,
        StrikingNode(starter, directory, *options, environment=environment) as node,
    ):
        call = node.client(node.admin()).request
        key = {"DefaultSecretKey": "cluster-key", "Generate": own_key, "Override": True}
        call("PUT", "cluster/secrets/defaultsecretkey", key)
        names, recovery_key = change_keys(call, attach_new(call, own_key=own_key), own_key=own_key)
        call("POST", "mountattach/detach", {"volume_id": "vol1"})
        node.stop()
        seen_in_files = files_of(node)
        keys = [*keys_in(kind, environment, node, names), recovery_key]
    assert_unseen(sampler, seen_in_files, keys)
