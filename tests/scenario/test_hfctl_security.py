"""Everything a person does about security with hfctl, on a real node: access, roles, guests, tokens."""

import json
import os
import re
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.node_cluster import node_cluster
from tests.support.node_process import ISSUER, SHARED_SECRET, NodeProcess
from tests.support.transcript import play

from holdfast.cli.hfctl.context_file import Context, Contexts, context_file, write_contexts
from holdfast.model import SecretBytes
from holdfast.tokens.generate import generate_token
from holdfast.tokens.shared_secret import SharedSecretKey
from holdfast.tokens.user_file import User

TRANSCRIPT = Path(__file__).parent / "transcripts" / "security.txt"
PAIRING = """
$ hfctl context create here --token-file admin.token --endpoint $HERE
Context here saved
$ hfctl context create there --token-file admin.token --endpoint $THERE
Context there saved
$ hfctl --context there cluster token show | cut -d' ' -f3 > old.token
$ hfctl --context there cluster token reset | cut -d' ' -f3 > new.token
$ hfctl cluster pair create --ip http://127.0.0.1 --port $PORT --token-file old.token
Error: --token: the other cluster refuses it; have it show a new one
[exit 2]
$ hfctl cluster pair create --ip http://127.0.0.1 --port $PORT --token-file new.token
Successfully paired with cluster other
$ hfctl cluster pair list
CLUSTER-ID    NAME     ENDPOINT                  SECURE    MODE       DEFAULT
----------    ----     --------                  ------    ----       -------
other         other    http://127.0.0.1:{port}    no        Default    yes
$ hfctl cluster pair list -j | grep -c token
0
[exit 1]
$ hfctl cluster pair create --ip http://127.0.0.1 --port $PORT --token-file new.token
Error: --token: the other cluster refuses it; have it show a new one
[exit 2]
$ hfctl cluster pair delete other && hfctl cluster pair list -j
Cluster pair other successfully deleted
{}
"""
READER = {"name": "team.reader", "rules": [{"services": ["volume"], "apis": ["inspect*", "*enumerate*"]}]}


def token_with_a_third_of_its_life_left(user):
    return generate_token(
        User(name=user, email=f"{user}@example.com", sub=user, roles=("system.user",)),
        issuer=ISSUER,
        key=SharedSecretKey(SecretBytes(SHARED_SECRET.encode())),
        issued_at=time.time() - 2500,
        lifetime_seconds=3600,
    )


@pytest.fixture
def node(tmp_path):
    with NodeProcess(tmp_path) as process:
        yield process


def test_sharing_roles_guests_and_tokens(node, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    (home / "reader.json").write_text(json.dumps(READER))
    typo = replace_service(READER, "volumes")
    (home / "typo.json").write_text(json.dumps(typo))
    tokens = {
        "admin": node.admin(),
        "alice": node.token("alice"),
        "bob": node.token("bob"),
        "soon": token_with_a_third_of_its_life_left("alice"),
    }
    contexts = Contexts()
    for name, token in tokens.items():
        context = Context(name, node.address, SecretBytes(token.encode()))
        contexts = contexts.with_context(replace(context, identity={"subject": name}))
    write_contexts(context_file(home), contexts)
    environment = {"PATH": f"{Path(sys.executable).parent}:{os.defpath}", "HOME": str(home)}
    play(TRANSCRIPT.read_text(), directory=home, environment=environment)


def replace_service(role, service):
    return {**role, "rules": [{**rule, "services": [service]} for rule in role["rules"]]}


def test_a_cluster_with_a_node_that_looks_at_no_token_is_reported(tmp_path):
    def allow_removal(node, _number):
        node.words = ("--allow-security-removal",)

    with node_cluster(tmp_path, "zookeeper", 2, prepare=allow_removal) as (first, second):
        code, said = status(tmp_path, first)
        assert (code, "secured" in said, "WARNING" in said) == (0, True, False)
        second._environment["PORTWORX_AUTH_JWT_SHAREDSECRET"] = ""
        second.restart("--security", "off")
        code, said = status(tmp_path, first)
        assert code == 0
        assert "THE CLUSTER IS NOT SECURE: node2 of 2 nodes look at no token" in said
        assert "MIXED" in said
        assert re.search(r"node2 +http\S+ +UNSECURED +online", said)


def test_clusters_pair_by_a_token_that_a_reset_ends(tmp_path):
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
    with NodeProcess(tmp_path / "here") as here, NodeProcess(tmp_path / "there", "-c", "other") as there:
        environment = {
            "PATH": f"{Path(sys.executable).parent}:{os.defpath}",
            "HOME": str(tmp_path),
            "HFCTL_KEEP_IN": "file",
            "HERE": here.address,
            "THERE": there.address,
            "PORT": there.address.rpartition(":")[2],
        }
        (tmp_path / "admin.token").write_text(here.admin())
        play(PAIRING, directory=tmp_path, environment=environment)


def status(home, node):
    """Return the exit code of `hfctl status` and all that it says."""
    token = home / "admin.token"
    token.write_text(node.admin())
    environment = {"PATH": f"{Path(sys.executable).parent}:{os.defpath}", "HOME": str(home)}
    for words in (
        ("context", "create", "admin", f"--token-file={token}", f"--endpoint={node.address}"),
        ("status",),
    ):
        done = subprocess.run(
            ["hfctl", *words], env=environment, capture_output=True, text=True, timeout=60, check=False
        )
    return done.returncode, done.stdout + done.stderr
