"""docs/identity.md, carried out: every block in order, in front of a cluster."""

import re
import time

from tests.support.cluster import ISSUER, Cluster
from tests.support.guide import Reader, blocks_of
from tests.support.https_service import HttpsService
from tests.support.store_process import StoreProcess

PASSWORD = "canary-7f3a"


def test_the_guide_works_as_it_is_written(tmp_path):
    for place in ("store", "cluster", "work"):
        (tmp_path / place).mkdir()
    work = tmp_path / "work"
    with HttpsService(tmp_path / "cluster", name="cluster") as api:
        cluster, now = Cluster(api), time.time()
        for name, content in {
            "ca.crt": cluster.service.ca_pem,
            "reviewer.jwt": cluster.token("kube-system", "vault-auth", now=now),
            "pod.jwt": cluster.token("prod", "web", now=now, audience=ISSUER),
            "password": PASSWORD,
        }.items():
            (work / name).write_text(content)
        with StoreProcess(tmp_path / "store", tls=True) as store:
            store.initialize()
            carry_out(store, work, api)


def carry_out(store, work, api):
    reader = Reader(work)
    reader.replacements |= {
        "https://10.0.0.1:6443": api.url,
        "-token-only role=pod": "-token-only role=pod jwt=@pod.jwt",  # outside a pod it has to be given
    }
    reader.environment |= {
        "HOLDFAST_ADDR": store.url,
        "HOLDFAST_CACERT": str(store.certificate),
        "HOLDFAST_TOKEN": store.root_token,
    }
    # Variables of one block count in the next, as they do for somebody at a terminal.
    script = "".join(text for language, text in blocks_of("identity.md") if language == "sh")
    # A shell does not stop where a line with an exclamation mark succeeds after all.
    printed = reader.type(re.sub(r"(?m)^! (.+)$", r"if \1; then exit 7; fi", script))
    assert PASSWORD in printed
    assert "the deciding one first" in printed
    assert '/web/*"' in printed
    assert "shop-reader" in printed
    found = reader.type("holdfast read -field=policies identity/group/name/everybody")
    assert "news" in found
