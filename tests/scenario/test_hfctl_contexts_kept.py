"""Contexts with a real store, a real node and a real OpenID provider: not in clear, and good for months."""

import http.client
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from tests.support.node_process import SHARED_SECRET, NodeProcess
from tests.support.oidc_provider import Browser, OidcProvider, private_jwk
from tests.support.store_process import StoreProcess

from holdfast import errors
from holdfast.cli.hfctl.context_file import context_file, edit_contexts, read_contexts
from holdfast.model import SecretBytes

CLIENT = "hfctl"
PEOPLE = {"ann": {"email": "ann@example.com", "name": "Ann", "groups": ["red"], "roles": ["system.user"]}}
SCOPES = {"email": ["email"], "profile": ["name"], "groups": ["groups", "roles"]}
LOGIN_SECONDS = 60
POLICY = """
path "secret/data/hfctl/*" { capabilities = ["create", "read", "update"] }
path "secret/metadata/hfctl/*" { capabilities = ["delete"] }
"""


class Person:
    """Somebody at a terminal."""

    def __init__(self, home):
        self.home = home
        home.mkdir()
        self.environment = {"PATH": f"{Path(sys.executable).parent}:{os.defpath}", "HOME": str(home)}

    def run(self, *words, code=0):
        done = subprocess.run(
            ["hfctl", *words],
            cwd=self.home,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == code, f"{words}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def log_in(self, *words, person):
        """Run a command that waits for a browser, and be at the browser."""
        process = subprocess.Popen(
            ["hfctl", *words], cwd=self.home, env=self.environment, stderr=subprocess.PIPE, text=True
        )
        try:
            url = next(found[0] for line in process.stderr if (found := re.search(r"http://\S+", line)))
            came_back = urlsplit(Browser(person).log_in(url))
            connection = http.client.HTTPConnection(came_back.netloc, timeout=LOGIN_SECONDS)
            connection.request("GET", f"{came_back.path}?{came_back.query}")
            assert connection.getresponse().status == 200
            connection.close()
            assert process.wait(LOGIN_SECONDS) == 0, process.stderr.read()
        finally:
            process.kill()
            process.wait(60)
            process.stderr.close()


@pytest.fixture
def person(tmp_path):
    return Person(tmp_path / "home")


def test_a_store_that_is_at_hand_keeps_the_token(person, tmp_path):
    (tmp_path / "store").mkdir()
    with StoreProcess(tmp_path / "store") as store:
        store.initialize()
        root = store.client()
        root.put_policy("hfctl", POLICY)
        login = root.create_token(policies=["hfctl"])["client_token"]
        person.environment |= {"HOLDFAST_ADDR": store.url, "HOLDFAST_TOKEN": login}
        token = NodeProcess(tmp_path).token("alice", lifetime=365 * 86_400)
        (person.home / "token").write_text(token)
        assert person.run("context", "create", "alice", "--token-file=token") == "Context alice saved\n"
        text = context_file(person.home).read_text()
        assert (token in text, login in text) == (False, False)
        entry = yaml.safe_load(text)["contextconfig"]["configurations"][0]
        kept = f"{entry['token_kept']['mount']}/data/{entry['token_kept']['name']}"
        assert root.request("GET", kept)["data"]["data"] == {"token": token}
        assert token in person.run("context", "list", "--show-tokens")
        assert "alice@example.com" in person.run("auth", "token", "inspect")
        root.seal()
        assert "sealed" in person.run("auth", "token", "inspect", code=2)
        store.unseal()
        person.run("context", "delete", "alice")
        with pytest.raises(errors.NotFoundError):
            root.request("GET", kept.replace("/data/", "/metadata/"))


def test_a_person_logs_in_once_and_the_provider_gives_new_tokens(person, tmp_path):
    provider = OidcProvider(people=PEOPLE, scopes=SCOPES, keys=[private_jwk(key_id="k1")])
    grants = ["authorization_code", "refresh_token"]
    provider.client(CLIENT, "", "http://127.0.0.1/oidc/callback", grant_types=grants)
    words = ("-oidc_issuer", provider.issuer, "-oidc_client_id", CLIENT)
    with provider, NodeProcess(tmp_path, *words) as node:
        person.log_in(
            "context",
            "create",
            "me",
            f"--oidc-issuer={provider.issuer}",
            f"--oidc-client-id={CLIENT}",
            "--oidc-scopes=openid profile email groups offline_access",
            f"--endpoint={node.address}",
            "--keep-in=file",
            person="ann",
        )
        assert "ann@example.com" in person.run("whoami")

        # What is in the context now has ended; the command gets itself another.
        edit_contexts(context_file(person.home), lambda saved: with_ended_token(saved, node))
        ended = saved_token(person)
        assert "ann@example.com" in person.run("whoami")
        assert saved_token(person).reveal() != ended.reveal()

        # The provider is away: what holds is used, what has ended is said.
        provider.stop()
        assert "ann@example.com" in person.run("whoami")
        edit_contexts(context_file(person.home), lambda saved: with_ended_token(saved, node))
        said = person.run("whoami", code=2)
        assert "could not be renewed" in said
        assert "Reason: expired" in said


def saved_token(person, context="me"):
    return read_contexts(context_file(person.home)).known[context].token


def with_ended_token(saved, node, context="me"):
    ended = SecretBytes(node.token("ann", lifetime=0).encode())
    return saved.with_context(replace(saved.known[context], token=ended))


def test_a_context_makes_its_own_tokens_from_a_key_file(person, tmp_path):
    (person.home / "robot.yaml").write_text(
        "name: Robot\nemail: r@example.com\nsub: robot\nroles: [system.user]\n"
    )
    (person.home / "key").write_text(SHARED_SECRET)
    (person.home / "key").chmod(0o600)
    words = (
        "--auth-config=robot.yaml",
        "--issuer=test.holdfast",
        "--shared-secret-file=key",
        "--keep-in=file",
    )
    with NodeProcess(tmp_path) as node:
        person.run("context", "create", "robot", *words, "--token-duration=1h", f"--endpoint={node.address}")
        assert "robot" in person.run("whoami")
        edit_contexts(context_file(person.home), lambda saved: with_ended_token(saved, node, "robot"))
        ended = saved_token(person, "robot")
        assert "robot" in person.run("whoami")
        assert saved_token(person, "robot").reveal() != ended.reveal()
