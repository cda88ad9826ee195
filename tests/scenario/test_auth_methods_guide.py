"""docs/auth-methods.md, carried out: every block in order, with a cluster, a provider and certificates."""

import time

from tests.support.certificates import TestAuthority
from tests.support.cluster import ISSUER, Cluster
from tests.support.guide import Reader, blocks_of
from tests.support.https_service import HttpsService
from tests.support.provider import Provider
from tests.support.store_process import StoreProcess

PASSWORD = "correct-horse-7f3a"


def test_the_guide_works_as_it_is_written(tmp_path):
    for place in ("store", "cluster", "provider", "work"):
        (tmp_path / place).mkdir()
    work = tmp_path / "work"
    clients = TestAuthority("clients")
    with (
        HttpsService(tmp_path / "cluster", name="cluster") as api,
        HttpsService(tmp_path / "provider", name="provider") as ci,
    ):
        cluster, provider = Cluster(api), Provider(ci)
        write_files(work, cluster, provider, clients)
        store = StoreProcess(tmp_path / "store", tls=True)
        text = store.config_path.read_text()
        asking = f'  tls_client_ca_file = "{work / "clients-ca.pem"}"\n  tls_key_file'
        store.config_path.write_text(text.replace("  tls_key_file", asking))
        with store:
            store.initialize()
            carry_out(store, work, api, ci)


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
    for name, content in {
        "ca.crt": cluster.service.ca_pem,
        "reviewer.jwt": cluster.token("kube-system", "vault-auth", now=now),
        "pod.jwt": cluster.token("kube-system", "px-account", now=now, audience=ISSUER),
        "ca.pem": provider.service.ca_pem,
        "key.pem": provider.keys[0].verifying_key().pem().decode(),
        "job.jwt": provider.sign(claims),
        "password": PASSWORD,
    }.items():
        (work / name).write_text(content)
    clients.write_authority(work / "clients-ca.pem")
    clients.issue(work, "web")


def carry_out(store, work, api, ci):
    reader = Reader(work)
    reader.replacements |= {
        "https://10.0.0.1:6443": api.url,
        "https://gitlab.example.com": ci.url,
        "https://ci.example/keys": f"{ci.url}/keys",
        "role=portworx\n": "role=portworx jwt=@pod.jwt\n",  # outside a pod it has to be given
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
            printed = reader.type(text, stdin=PASSWORD)
            if "holdfast login -method=" in text:
                method = text.partition("-method=")[2].split()[0]
                logins[method] = printed
    assert set(logins) == {"kubernetes", "jwt", "approle", "userpass", "cert"}
    assert all("token_policies" in printed for printed in logins.values())
