"""The main job, one function a step: a sealed store, an encrypted volume keyed from it, tokens that guard it.

A step shows by doing: it calls the real daemons, compares what comes back with what must, and raises when
they differ. What it saw goes into the step's facts.
"""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from holdfast.cli.demo.evidence import Tree, find_any, read_tree, samples_of
from holdfast.cli.demo.keys import opens
from holdfast.cli.demo.people import make_people
from holdfast.cli.demo.report import Report, Step
from holdfast.cli.demo.stage import (
    ADMIN,
    CLUSTER_KEY,
    NODE_POLICY,
    THRESHOLD,
    USER_ONE,
    USER_TWO,
    Stage,
    volume_of,
)
from holdfast.cli.errors import LocalError
from holdfast.client import SdkClient
from holdfast.errors import HoldfastError, PermissionDeniedError, SealedError
from holdfast.model import SecretBytes

SHARES = 5
SMALLEST_VOLUME = 64 << 20
VOLUME_NAME = "demo-volume"
KEY_BITS = 256
PRIVATE = 0o600
SPARE_FACTOR = 3  # room for the file system's own structures


def chapters(stage: Stage, report: Report, source: Path) -> list[Callable[[], object]]:
    """Return everything that the demo does, in order.

    Args:
        stage: where it happens.
        report: takes what is seen.
        source: the file tree to put into the volume.
    """
    return [
        partial(open_the_store, stage, report),
        partial(speak_both_dialects, stage, report),
        partial(make_keys_and_tokens, stage, report),
        partial(start_the_node, stage, report, source),
        partial(use_a_volume, stage, report, source),
        partial(show_refusals, stage, report),
        partial(rotate_and_erase, stage, report),
    ]


def open_the_store(stage: Stage, report: Report) -> None:
    """Start a store on the embedded engine, initialise it, see it refuse while sealed, unseal it."""
    with report.step("A store starts sealed, and opens with three of five shares") as step:
        stage.store.start(lambda: stage.vault("").seal_status() is not None)
        step.facts.append(f"store at {stage.store_url}, data in a fresh directory, one audit file")
        keys = stage.vault("").init(shares=SHARES, threshold=THRESHOLD)
        stage.shares, stage.root_token = list(keys.shares), keys.root_token
        step.facts.append(f"initialised with {SHARES} shares, {THRESHOLD} of them needed")
        refusal = expect(SealedError, lambda: stage.vault().request("GET", "secret/data/anything"))
        step.facts.append(f"a read while sealed is refused: 503, {refusal.message}")
        for number, share in enumerate(stage.shares[1 : 1 + THRESHOLD], start=1):
            status = stage.vault("").unseal(share)
            report.progress(f"share {number} of {THRESHOLD} handed in")
        require(not status.sealed, "three shares did not open the store")
        step.facts.append("unsealed with shares 2, 3 and 4")


def speak_both_dialects(stage: Stage, report: Report) -> None:
    """Write through one dialect and read through the other, both ways."""
    with report.step("One secret, two dialects: Vault and DC/OS") as step:
        stage.vault().request("PUT", "secret/data/team/database", {"data": {"value": "written-by-vault"}})
        require(stage.dcos().get("team/database") == "written-by-vault", "DC/OS read something else")
        step.facts.append(
            "written with PUT /v1/secret/data/team/database, read with GET /secrets/v1/secret/default/..."
        )
        stage.dcos().create("team/queue", "written-by-dcos")
        answer = stage.vault().request("GET", "secret/data/team/queue")
        require(answer["data"]["data"] == {"value": "written-by-dcos"}, "Vault read something else")
        require(answer["data"]["metadata"]["version"] == 1, "another version than the one written")
        step.facts.append("and the reverse: one record, version 1 in both dialects")


def make_keys_and_tokens(stage: Stage, report: Report) -> None:
    """Make a signing key, an administrator's and two users' tokens, and save them as contexts."""
    with report.step("A signing key, and tokens for an administrator and two users") as step:
        make_people(stage)
        for name in (ADMIN, USER_ONE, USER_TWO):
            endpoint = f"--endpoint={stage.node_url}"
            stage.hfctl("context", "create", name, "--token=-", endpoint, secret=stage.tokens[name])
        step.facts.append(
            "signing secret: 384 random bits; tokens made with `hfctl auth token generate` from user files"
        )
        step.facts.append("saved with `hfctl context create`; the file is readable by its owner only")
        mode = (stage.directory / ".hfctl" / "contextconfig").stat().st_mode & 0o777
        require(mode == PRIVATE, "the context file is readable by others")


def start_the_node(stage: Stage, report: Report, source: Path) -> None:
    """Start a storage node whose keys come from the store, and set the cluster-wide key by reference."""
    with report.step("A storage node with token security, keyed from the store") as step:
        vault = stage.vault()
        vault.put_policy("storage-node", NODE_POLICY)
        node_token = vault.create_token(policies=["storage-node"], period="24h", no_parent=True)[
            "client_token"
        ]
        stage.start_node(node_token, source)
        refusal = expect(
            PermissionDeniedError, lambda: stage.vault(node_token).request("GET", "secret/data/team/database")
        )
        step.facts.append(f"node at {stage.node_url}; its own token of the store reaches volume keys only")
        step.facts.append(f"another secret with that token: {refusal.message.split('* ')[-1]}")
        said = stage.hfctl(
            "--context", ADMIN, "secrets", "set-cluster-key", "--secret", CLUSTER_KEY, "--generate"
        )
        step.facts.append(
            f"hfctl secrets set-cluster-key --secret {CLUSTER_KEY} --generate: {said.splitlines()[0]}"
        )
        key = stage.secret_values(CLUSTER_KEY)[0]
        require(key_bits(key) == KEY_BITS, "the generated key does not have 256 bits")
        step.facts.append(
            f"the key was made and stored: {KEY_BITS} random bits; the node keeps its name, and nobody saw it"
        )


def use_a_volume(stage: Stage, report: Report, source: Path) -> str:
    """Create an encrypted volume as user one, fill it, search its file for plaintext, read it again."""
    with report.step("User one's encrypted volume holds a real file tree") as step:
        tree = read_tree(source)
        require(bool(tree.digests), f"{source} holds no file")
        client = stage.sdk(USER_ONE)
        size = -(-max(SMALLEST_VOLUME, tree.file_bytes * SPARE_FACTOR) // (1 << 20)) * (1 << 20)
        volume_id = str(create_volume(client, VOLUME_NAME, size)["volume_id"])
        stage.volume_id = volume_id
        stage.mounts = describe_way(stage, step)
        write_tree(stage, report, step, client, source)
        step.facts.append(f"{len(tree.digests)} files, {tree.file_bytes / 1e3:.0f} kB from {source}")
        search_backing_file(stage, report, step, source)
    with report.step("The content is intact, byte for byte") as step:
        compare_tree(stage, client, tree, step)
    return volume_id


def write_tree(stage: Stage, report: Report, step: Step, client: SdkClient, source: Path) -> None:
    """Put the tree into the volume, by mounting it or through the copying back end."""
    if not stage.mounts:
        client.request(
            "POST", "mountattach/import", {"volume_id": stage.volume_id, "source_path": str(source)}
        )
        step.facts.append(
            "written in user space: the file system was built in memory and encrypted sector by sector"
        )
        return
    started = time.monotonic()
    client.request("POST", "mountattach/attach", {"volume_id": stage.volume_id})
    attach_ms = (time.monotonic() - started) * 1000
    client.request("POST", "mountattach/format", {"volume_id": stage.volume_id})
    mount(stage, client)
    report.progress("copying the file tree")
    shutil.copytree(source, stage.mount_point / "tree", symlinks=True)
    unmount_and_detach(stage, client)
    step.facts.append(
        f"created, attached ({attach_ms:.0f} ms), formatted, mounted, written, unmounted, detached"
    )


def search_backing_file(stage: Stage, report: Report, step: Step, source: Path) -> None:
    """Look for pieces of the content and for file names in the volume's file."""
    needles = samples_of(source)
    report.progress(f"searching the backing file for {len(needles)} pieces of plaintext")
    file = stage.backing_file()
    found = find_any(file, needles)
    require(not found, f"{len(found)} pieces of plaintext are in the backing file")
    control = source / next(iter(read_tree(source).digests))
    require(bool(find_any(control, needles)), "the search finds nothing even where plaintext is")
    step.facts.append(
        f"searched {file.name} for {len(needles)} pieces of content and file names: none is there"
    )


def compare_tree(stage: Stage, client: SdkClient, tree: Tree, step: Step) -> None:
    """Read the tree back and compare every file."""
    if stage.mounts:
        client.request("POST", "mountattach/attach", {"volume_id": stage.volume_id})
        mount(stage, client)
        again = read_tree(stage.mount_point / "tree")
        unmount_and_detach(stage, client)
    else:
        with exported(stage) as copy:
            again = read_tree(copy)
    require(again == tree, "the tree read back differs")
    step.facts.append(f"{len(again.digests)} files compared by SHA-256: all equal")


def show_refusals(stage: Stage, report: Report) -> None:
    """Show what is refused, and with which words."""
    with report.step("What is refused, and how") as step:
        inspect = f"volumes/inspect/{stage.volume_id}"
        cases: list[tuple[str, Callable[[], Any]]] = [
            ("user two on user one's volume", lambda: stage.sdk(USER_TWO).request("GET", inspect)),
            ("no token", lambda: stage.sdk(None).request("GET", inspect)),
            ("an expired token", lambda: stage.sdk_with(stage.tokens["expired"]).request("GET", inspect)),
            ("a forged token", lambda: stage.sdk_with(stage.tokens["forged"]).request("GET", inspect)),
        ]
        for what, call in cases:
            refusal = expect(HoldfastError, call)
            reason = getattr(refusal, "reason", "")
            step.facts.append(f"{what}: {refusal.message}" + (f" [{reason}]" if reason else ""))
        step.facts.append(f"a wrong key: {wrong_key_refusal(stage)}")
        stage.vault().seal()
        refusal = expect(HoldfastError, lambda: try_volume(stage))
        step.facts.append(f"a sealed store: {refusal.message}")
        stage.unseal()
        try_volume(stage)
        step.facts.append("after unsealing, the same attach works again")


def wrong_key_refusal(stage: Stage) -> str:
    """Try the volume with a secret that is not its key; return how it was refused."""
    another = "demo/another-key"
    stage.vault().request("PUT", f"secret/data/{another}", {"data": {"value": "A" * 43 + "="}})
    if stage.mounts:
        body = {"volume_id": stage.volume_id, "options": {"secret_name": another}}
        client = stage.sdk(USER_ONE)
        return expect(HoldfastError, lambda: client.request("POST", "mountattach/attach", body)).message
    require(not opens(stage.backing_file(), stage.secret_values(another)[0]), "a wrong key opens the volume")
    return "cryptsetup finds no keyslot that opens with it"


def rotate_and_erase(stage: Stage, report: Report) -> None:
    """Rotate the cluster-wide key, then delete the volume and prove that no key opens what is left."""
    with report.step("The cluster-wide key is rotated") as step:
        file = stage.backing_file()
        old = stage.secret_values(CLUSTER_KEY)[-1]
        require(opens(file, old), "the first key does not open the volume")
        answer = stage.sdk(ADMIN).request("POST", "cluster/secrets/rotatedefaultsecretkey", {})
        require(all(volume["rotated"] for volume in answer["volumes"]), "a volume kept its old key")
        new = stage.secret_values(CLUSTER_KEY)[-1]
        require(opens(file, new) and not opens(file, old), "the volume does not open with the new key alone")
        try_volume(stage)
        step.facts.append(
            f"version {answer['key']['version']} opens the volume, the version before no longer does"
        )
    with report.step("The volume is crypto-erased") as step:
        kept = stage.directory / "kept.img"
        os.link(file, kept)  # what somebody would hold who kept the disk
        erased = stage.sdk(USER_ONE).request("DELETE", f"volumes/{stage.volume_id}")["holdfast"]
        require(erased["keyslots_destroyed"] > 0, "no keyslot was destroyed")
        step.facts.append(f"{erased['keyslots_destroyed']} keyslot(s) destroyed, then the file was removed")
        keys = [*stage.secret_values(CLUSTER_KEY), old, new]
        require(not any(opens(kept, key) for key in keys), "a key still opens the erased volume")
        held = len({key.reveal() for key in keys})
        step.facts.append(f"its file, kept aside, opens with none of the {held} keys it ever had")
        expect(HoldfastError, lambda: volume_of(stage.sdk(USER_ONE), stage.volume_id))


def try_volume(stage: Stage) -> None:
    """Attach the volume and detach it again, or on a host without mounts read it out."""
    if stage.mounts:
        client = stage.sdk(USER_ONE)
        client.request("POST", "mountattach/attach", {"volume_id": stage.volume_id})
        client.request("POST", "mountattach/detach", {"volume_id": stage.volume_id})
    else:
        with exported(stage):
            pass


@contextmanager
def exported(stage: Stage) -> Iterator[Path]:
    """Read the volume's tree out into a directory that is gone afterwards."""
    copy = stage.directory / "copy"
    copy.mkdir()
    try:
        body = {"volume_id": stage.volume_id, "destination_path": str(copy)}
        stage.sdk(USER_ONE).request("POST", "mountattach/export", body)
        yield copy
    finally:
        shutil.rmtree(copy)


def mount(stage: Stage, client: SdkClient) -> None:
    """Mount the attached volume."""
    body = {"volume_id": stage.volume_id, "mount_path": str(stage.mount_point)}
    client.request("POST", "mountattach/mount", body)


def unmount_and_detach(stage: Stage, client: SdkClient) -> None:
    """Unmount and detach the volume."""
    body = {"volume_id": stage.volume_id, "mount_path": str(stage.mount_point)}
    client.request("POST", "mountattach/unmount", body)
    client.request("POST", "mountattach/detach", {"volume_id": stage.volume_id})


def create_volume(client: SdkClient, name: str, size: int) -> dict[str, Any]:
    """Create an encrypted volume under the cluster-wide key."""
    return client.request("POST", "volumes", {"name": name, "spec": {"size": str(size), "encrypted": True}})


def describe_way(stage: Stage, step: Step) -> bool:
    """Say which back end the node took and why; return whether it mounts."""
    node = stage.sdk(ADMIN).request("GET", "nodes/inspectcurrent")["node"]["holdfast"]
    step.facts.append(f"volumes by way of {node['backend']}")
    step.facts.extend(f"not by {name}: {reason}" for name, reason in node.get("passed_over", {}).items())
    return bool(node.get("attaches"))


def require(condition: bool, problem: str) -> None:  # noqa: FBT001 - reads as a sentence
    """Fail the step with ``problem`` unless ``condition`` holds."""
    if not condition:
        raise LocalError(problem)


def expect(kind: type[HoldfastError], call: Callable[[], Any]) -> HoldfastError:
    """Return the refusal that ``call`` meets; fail the step if it meets none, or one of another kind."""
    try:
        call()
    except kind as refusal:
        return refusal
    raise LocalError("something was allowed that must be refused")


def key_bits(key: SecretBytes) -> int:
    """Return how many bits a key of base64 text has."""
    import base64

    return len(base64.b64decode(key.reveal(), validate=True)) * 8
