"""Keys of volumes move from one provider to another, and back, while the volumes are in use."""

import pytest
from tests.support.node_process import NodeProcess
from tests.support.secret_backends import NODE_POLICY
from tests.support.store_process import StoreProcess

from holdfast.errors import ConflictError, UnavailableError

SIZE = str(16 << 20)
TO_STORE = ("-secret_type", "vault", "--former-secret-type", "file")
TO_FILES = ("-secret_type", "file", "--former-secret-type", "vault")


@pytest.fixture
def store(tmp_path):
    (tmp_path / "store").mkdir()
    with StoreProcess(tmp_path / "store", workers=1) as running:
        running.initialize(shares=1, threshold=1)
        running.client().put_policy("node", NODE_POLICY)
        yield running


@pytest.fixture
def environment(store, tmp_path):
    token = store.client().create_token(policies=["node"])["client_token"]
    secrets = str(tmp_path / "secrets")
    return {"HOLDFAST_SECRETS_DIRECTORY": secrets, "VAULT_ADDR": store.url, "VAULT_TOKEN": token}


class Site:
    """One node's directory, run with other providers again and again."""

    def __init__(self, directory, environment):
        self.directory, self.environment = directory, environment
        self.node = None
        self.target = directory / "mounts" / "cluster"

    def run(self, *options):
        if self.node is not None:
            self.node.stop()
        self.node = NodeProcess(self.directory, *options, environment=self.environment)
        self.node.start()

    def call(self, method, path, body=None):
        return self.node.client(self.node.admin()).request(method, path, body)

    def create(self, name, **spec):
        body = {"name": name, "spec": {"size": SIZE, "encrypted": True, **spec}}
        return self.call("POST", "volumes", body)["volume_id"]

    def move(self, **options):
        answer = self.call("POST", "cluster/secrets/movekeys", options)
        return {each["name"]: each.get("problem", "") for each in answer.get("volumes", [])}, answer

    def findings(self):
        found = self.call("POST", "volumes/keys/doctor", {})["findings"]
        return {each["name"]: (each["verdict"], each["key"]["provider"]) for each in found}

    def status(self):
        return self.call("GET", "cluster/secrets/status")

    def opens(self, name):
        """Whether a volume can be attached."""
        self.call("POST", "mountattach/attach", {"volume_id": name})
        self.call("POST", "mountattach/detach", {"volume_id": name})
        return True


@pytest.fixture
def site(tmp_path, environment):
    made = Site(tmp_path, environment)
    made.run("-secret_type", "file")
    try:
        yield made
    finally:
        made.node.__exit__()


def test_from_files_to_a_store_and_back(site, store, tmp_path):
    site.call(
        "PUT", "cluster/secrets/defaultsecretkey", {"DefaultSecretKey": "cluster-key", "Generate": True}
    )
    site.create("cluster")
    own = site.create("own", own_key=True)
    site.call("POST", "volumes/snapshots", {"volume_id": own, "name": "snap"})
    site.call("POST", "cluster/secrets/generate", {"SecretId": "users/admin/key"})
    site.create("named", passphrase="users/admin/key")
    site.target.mkdir()
    site.call("POST", "mountattach/attach", {"volume_id": "cluster"})
    site.call("POST", "mountattach/mount", {"volume_id": "cluster", "mount_path": str(site.target)})
    (site.target / "letter").write_text("in use throughout")
    with pytest.raises(ConflictError, match="--former-secret-type"):
        site.move()

    site.run(*TO_STORE)
    names = {"cluster", "own", "snap", "named"}
    assert site.findings() == dict.fromkeys(names, ("old", "file"))
    assert site.status()["volumes_on_former_provider"] == 4
    assert site.opens("own")
    outcomes, answer = site.move()
    assert "--secret" in outcomes.pop("named")
    assert outcomes == {"cluster": "", "own": "", "snap": ""}
    assert (answer["key"]["provider"], answer["key"]["name"]) == ("vault", "cluster-key")
    site.call("POST", "cluster/secrets/generate", {"SecretId": "users/common"})
    assert site.move(SecretId="users/common")[0] == {"named": ""}
    assert site.move(SecretId="users/common")[0] == {}
    assert site.findings() == dict.fromkeys(names, ("good", "vault"))
    assert site.status().get("volumes_on_former_provider", 0) == 0
    assert store.client().request("LIST", "secret/metadata/holdfast/volumes/")["data"]["keys"] == [own]
    (tmp_path / "secrets").rename(tmp_path / "away")  # what the former provider had is not needed any more

    site.run("-secret_type", "vault")
    assert site.findings() == dict.fromkeys(names, ("good", "vault"))
    assert all(site.opens(name) for name in ("own", "named"))
    assert (site.target / "letter").read_text() == "in use throughout"
    site.create("new")
    assert site.findings()["new"] == ("good", "vault")

    (tmp_path / "away").rename(tmp_path / "secrets")
    site.run("-secret_type", "file")
    with pytest.raises(UnavailableError, match="--former-secret-type vault"):
        site.opens("own")
    site.run(*TO_FILES)
    outcomes, answer = site.move(SecretId="users/admin/key")
    assert outcomes == dict.fromkeys([*names, "new"], "")
    assert (answer["key"]["provider"], answer["key"]["version"]) == ("file", 2)  # not the one from before
    site.run("-secret_type", "file")
    assert site.findings() == dict.fromkeys([*names, "new"], ("good", "file"))
    assert (site.target / "letter").read_text() == "in use throughout"


def test_the_two_providers_are_of_different_types(tmp_path, environment):
    for options in (
        ("--former-secret-type", "file"),
        ("-secret_type", "file", "--former-secret-type", "file"),
    ):
        code, said = NodeProcess(tmp_path, *options, environment=environment).refused()
        assert (code, "expected another type than -secret_type" in said) == (1, True)


def test_a_token_is_refused_as_an_argument(tmp_path, environment):
    code, said = NodeProcess(
        tmp_path, *TO_FILES, "--former-env", "VAULT_TOKEN=canary", environment=environment
    ).refused()
    assert (code, "--former-env VAULT_TOKEN" in said, "canary" in said) == (1, True, False)
