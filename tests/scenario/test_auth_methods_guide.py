"""docs/auth-methods.md, carried out: every block in order, with a cluster, two providers and certificates."""

import subprocess
import time

from tests.support.certificates import TestAuthority
from tests.support.cluster import ISSUER, Cluster
from tests.support.guide import Reader, blocks_of
from tests.support.https_service import HttpsService
from tests.support.oidc_provider import Browser, OidcProvider
from tests.support.provider import Provider
from tests.support.store_process import StoreProcess

from holdfast.tokens.ec_key import EcSigningKey
from holdfast.tokens.generate import generate_token
from holdfast.tokens.user_file import User

PASSWORD = "correct-horse-7f3a"
CLIENT_SECRET = "a secret of the client, for tests"
REDIRECT = "http://localhost:8250/oidc/callback"


def test_the_guide_works_as_it_is_written(tmp_path):
    for place in ("store", "cluster", "provider", "work"):
        (tmp_path / place).mkdir()
    work = tmp_path / "work"
    clients = TestAuthority("clients")
    people = OidcProvider()
    people.client("vault", CLIENT_SECRET, REDIRECT)
    with (
        HttpsService(tmp_path / "cluster", name="cluster") as api,
        HttpsService(tmp_path / "provider", name="provider") as ci,
        people,
    ):
        cluster, provider = Cluster(api), Provider(ci)
        write_files(work, cluster, provider, clients)
        store = StoreProcess(tmp_path / "store", tls=True)
        text = store.config_path.read_text()
        asking = f'  tls_client_ca_file = "{work / "clients-ca.pem"}"\n  tls_key_file'
        store.config_path.write_text(text.replace("  tls_key_file", asking))
        with store:
            store.initialize()
            carry_out(store, work, api, ci, people)


def write_files(work, cluster, provider, clients):
    now = time.time()
    claims = {
        "iss": "https://ci.example",
        "aud": "https://vault.example",
        "sub": "job",
        "iat": now,
        "exp": now + 600,
        "project_path": "team/web",
        "ref_protected": "true",
    }
    storage_key = EcSigningKey.generate()
    alice = User(
        name="Alice", email="alice@example.com", sub="alice", roles=("system.user",), groups=("dev",)
    )
    for name, content in {
        "ca.crt": cluster.service.ca_pem,
        "reviewer.jwt": cluster.token("kube-system", "vault-auth", now=now),
        "pod.jwt": cluster.token("kube-system", "px-account", now=now, audience=ISSUER),
        "ca.pem": provider.service.ca_pem,
        "key.pem": provider.keys[0].verifying_key().pem().decode(),
        "job.jwt": provider.sign(claims),
        "storage-key.pem": storage_key.verifying_key().pem().decode(),
        "user.jwt": generate_token(alice, issuer="px.example.com", key=storage_key, issued_at=now),
        "client-secret": CLIENT_SECRET,
        "password": PASSWORD,
    }.items():
        (work / name).write_text(content)
    clients.write_authority(work / "clients-ca.pem")
    clients.write_revocation_list(work / "clients.crl.pem", 1)
    clients.issue(work, "web")


def carry_out(store, work, api, ci, people):
    reader = Reader(work)
    reader.replacements |= {
        "https://10.0.0.1:6443": api.url,
        "https://gitlab.example.com": ci.url,
        "https://ci.example/keys": f"{ci.url}/keys",
        "https://token.actions.githubusercontent.com/.well-known/jwks": f"{ci.url}/keys",
        "https://login.example.com": people.issuer,
        "role=portworx\n": "role=portworx jwt=@pod.jwt\n",  # outside a pod it has to be given
        "-method=oidc role=people": "-method=oidc role=people port=0",  # 8250 may be taken
        "'*.web.example'": "localhost",
    }
    reader.environment |= {
        "HOLDFAST_ADDR": store.url,
        "HOLDFAST_CACERT": str(store.certificate),
        "HOLDFAST_TOKEN": store.root_token,
    }
    logins = {}
    for language, text in blocks_of("auth-methods.md"):
        if language == "sh":
            by_browser = "-method=oidc" in text
            printed = log_in_with_browser(reader, text) if by_browser else reader.type(text, stdin=PASSWORD)
            if "holdfast login -method=" in text:
                method = text.partition("-method=")[2].split()[0]
                logins[method] = printed
    assert set(logins) == {"kubernetes", "jwt", "oidc", "approle", "userpass", "cert"}
    assert all("token_policies" in printed for printed in logins.values())
    assert '["default" "volumes"]' in logins["jwt"]  # the last of them, with a token of the storage plane


def log_in_with_browser(reader, text):
    """Type a block that waits for a browser, and log in there."""
    typed = subprocess.Popen(
        ["/bin/sh", "-euc", reader.here(text)],
        cwd=reader.directory,
        env=reader.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    browser = Browser("ann")
    for line in typed.stderr:
        if line.strip().startswith("http"):
            browser.open(browser.log_in(line.strip()))
            break
    printed, said = typed.communicate(timeout=60)
    assert typed.returncode == 0, said
    return printed
