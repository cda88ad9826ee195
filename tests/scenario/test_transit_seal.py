"""A store that another store opens: two real stores, of which one keeps the unseal key of the other."""

import base64
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.support.store_process import StoreProcess
from tests.support.store_talk import ask, eventually

from holdfast.crypto.shamir import combine
from holdfast.errors import HoldfastError


@pytest.fixture
def guardian(tmp_path: Path) -> Iterator[StoreProcess]:
    """The store that opens the other one."""
    directory = tmp_path / "guardian"
    directory.mkdir()
    with StoreProcess(directory, tls=True, workers=1) as store:
        store.initialize()
        client = store.client()
        client.enable_mount("transit/", "transit", options={}, description="")
        client.request("PUT", "transit/keys/autounseal", {})
        rules = (
            f'path "transit/{what}/autounseal" {{ capabilities = ["update"] }}\n'
            for what in ("encrypt", "decrypt")
        )
        client.request("PUT", "sys/policies/acl/autounseal", {"policy": "".join(rules)})
        yield store


@pytest.fixture
def ward(tmp_path: Path, guardian: StoreProcess) -> Iterator[StoreProcess]:
    """The store that is opened; not yet started."""
    directory = tmp_path / "ward"
    directory.mkdir()
    token = guardian.client().create_token(policies=["autounseal"], period="24h", orphan=True)
    token_file = directory / "token"
    token_file.write_text(token["client_token"] + "\n")
    token_file.chmod(0o600)
    stanza = (
        f'seal "transit" {{\n  address = "{guardian.url}"\n  token_file = "{token_file}"\n'
        f'  key_name = "autounseal"\n  tls_ca_cert = "{guardian.certificate}"\n}}\n'
    )
    store = StoreProcess(directory, workers=1, settings=stanza)
    yield store
    store.stop()


def is_open(store: StoreProcess) -> bool:
    return ask(store, "GET", "/v1/sys/seal-status").json["sealed"] is False


def initialize(store: StoreProcess) -> None:
    result = store.client("").init(shares=3, threshold=2)
    store.shares, store.root_token, store.threshold = list(result.shares), result.root_token, 2
    eventually(lambda: is_open(store))


def put(store: StoreProcess, value: str) -> None:
    assert ask(store, "PUT", "/v1/secret/data/a", {"data": {"v": value}}).status == 200


def get(store: StoreProcess) -> str:
    return str(ask(store, "GET", "/v1/secret/data/a").json["data"]["data"]["v"])


def test_it_opens_itself_from_the_moment_it_is_initialised_and_after_every_start(
    ward: StoreProcess,
) -> None:
    ward.start()
    initialize(ward)
    status = ask(ward, "GET", "/v1/sys/seal-status").json
    assert (status["type"], status["t"], status["n"]) == ("transit", 2, 3)
    put(ward, "kept")
    ward.stop()
    ward.start()
    eventually(lambda: is_open(ward))
    assert get(ward) == "kept"


def test_it_starts_sealed_while_the_other_is_away_and_opens_when_that_is_back(
    guardian: StoreProcess, ward: StoreProcess
) -> None:
    ward.start()
    initialize(ward)
    put(ward, "kept")
    ward.stop()
    guardian.stop()
    ward.start()
    assert not is_open(ward)
    eventually(lambda: "the store of the transit seal" in ward.log())
    guardian.start()  # it is there again, but sealed
    assert not is_open(ward)
    guardian.unseal()
    eventually(lambda: is_open(ward))
    assert get(ward) == "kept"


def test_it_goes_on_without_the_other_once_it_is_open(guardian: StoreProcess, ward: StoreProcess) -> None:
    ward.start()
    initialize(ward)
    guardian.stop()
    put(ward, "still")
    assert get(ward) == "still"


def test_people_open_it_with_their_shares_when_the_other_is_gone_for_good(
    guardian: StoreProcess, ward: StoreProcess
) -> None:
    ward.start()
    initialize(ward)
    put(ward, "kept")
    ward.stop()
    guardian.stop()
    ward.start()
    assert not is_open(ward)
    ward.unseal()
    assert is_open(ward)
    assert get(ward) == "kept"


def test_it_stays_sealed_after_somebody_sealed_it(ward: StoreProcess) -> None:
    ward.start()
    initialize(ward)
    put(ward, "kept")
    assert ask(ward, "PUT", "/v1/sys/seal").status == 204
    ward.stop()
    ward.start()
    assert not is_open(ward)
    ward.unseal()
    assert get(ward) == "kept"


def test_it_is_not_initialised_while_the_other_cannot_take_the_key(
    guardian: StoreProcess, ward: StoreProcess
) -> None:
    guardian.client().request("DELETE", "sys/policies/acl/autounseal")
    ward.start()
    with pytest.raises(HoldfastError, match=r"transit seal: .*permission denied"):
        ward.client("").init(shares=3, threshold=2)
    assert ask(ward, "GET", "/v1/sys/init").json == {"initialized": False}


def deal(store: StoreProcess) -> None:
    assert ask(store, "PUT", "/v1/sys/shares", {"shares": 1, "threshold": 1}).status == 200


def rekey(store: StoreProcess) -> None:
    wanted = {"secret_shares": 1, "secret_threshold": 1}
    nonce = ask(store, "PUT", "/v1/sys/rekey/init", wanted).json["nonce"]
    for share in store.shares[:2]:
        done = ask(store, "PUT", "/v1/sys/rekey/update", {"key": share, "nonce": nonce})
    assert done.json["complete"] is True


@pytest.mark.parametrize("new_shares", [deal, rekey])
def test_an_older_store_is_handed_over_by_new_shares(
    guardian: StoreProcess, ward: StoreProcess, new_shares: Callable[[StoreProcess], None]
) -> None:
    with_stanza = ward.config_path.read_text()
    ward.config_path.write_text(with_stanza.partition("seal ")[0])
    ward.start()
    ward.initialize(shares=3, threshold=2)
    put(ward, "kept")
    ward.stop()
    ward.config_path.write_text(with_stanza)
    ward.start()
    assert not is_open(ward)
    ward.unseal()
    new_shares(ward)
    ward.stop()
    ward.start()
    eventually(lambda: is_open(ward))
    assert get(ward) == "kept"


def test_its_token_is_renewed_there(guardian: StoreProcess, ward: StoreProcess) -> None:
    ward.start()
    initialize(ward)
    token = (ward.directory / "token").read_text().strip()

    def was_renewed() -> bool:
        return (
            "last_renewal_time"
            in ask(guardian, "GET", "/v1/auth/token/lookup-self", token=token).json["data"]
        )

    eventually(was_renewed)


def test_the_unseal_key_is_in_no_file_and_no_log(guardian: StoreProcess, ward: StoreProcess) -> None:
    ward.start()
    initialize(ward)
    shares = [base64.b64decode(share) for share in ward.shares[:2]]
    unseal_key = combine(shares)
    token = (ward.directory / "token").read_text().strip().encode()
    hidden = [token, unseal_key, unseal_key.hex().encode(), base64.b64encode(unseal_key), *shares]
    for place in (ward.data_path, guardian.data_path):
        for file in place.iterdir():
            content = file.read_bytes()
            assert all(secret not in content for secret in hidden)
    for store in (ward, guardian):
        assert all(secret.decode("latin-1") not in store.log() for secret in hidden)
