"""Cloud credentials: validated before they are stored, secrets in the provider alone, none left behind."""

import threading

import pytest
from tests.support.credentials import (
    AZURE_KEY,
    ENCRYPTION_KEY,
    Killed,
    WatchedProvider,
    azure_spec,
    google_key,
    google_spec,
    killed,
    nfs_spec,
    s3_account,
    s3_spec,
    secret,
)
from tests.support.node_under_test import new_node
from tests.support.s3_service import s3_service

from holdfast.errors import (
    ConflictError,
    HoldfastError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
    UnavailableError,
    UnsupportedError,
)
from holdfast.node.credentials.credential_check import EndpointRules
from holdfast.node.credentials.credential_records import AzureAccount, NfsExport, SecretPart
from holdfast.node.credentials.credentials_service import CredentialSpec, CredentialsService
from holdfast.node.errors import (
    CredentialExistsError,
    CredentialRefusedError,
    NoProviderError,
    OwnershipDeniedError,
)
from holdfast.policy.ownership_change import AccessChange
from holdfast.providers.errors import ProviderUnavailableError, ReadOnlyProviderError


@pytest.fixture(scope="module")
def service():
    with s3_service() as running:
        yield running


@pytest.fixture
def made(tmp_path, service):
    return node_at(tmp_path, service)


def node_at(tmp_path, service, *, provider=None, storage=None, listed=True, **settings):
    rules = EndpointRules.parse([f"http://{service.endpoint}"] if listed else [])
    provider = WatchedProvider(tmp_path / "secrets") if provider is None else provider
    return new_node(
        tmp_path, attaching=False, provider=provider, storage=storage, cloud_endpoints=rules, **settings
    )


def call(made, who, operation, *args):
    token = made.admin if who == "admin" else made.token(who)
    return made.call(token, getattr(CredentialsService, operation), made.node.credentials, *args)


def everything_stored(made):
    """Return all bytes in the node's storage and audit log."""
    with made.storage.snapshot() as reader:
        values = []

        def walk(prefix):
            for name in reader.list(prefix, limit=10_000):
                if name.endswith("/"):
                    walk(prefix + name)
                else:
                    values.append(name.encode() + (reader.get(prefix + name) or b""))

        walk("")
    return b"\n".join([*values, *made.sink.raw])


# Each kind ----------------------------------------------------------------------------------------


def test_an_s3_credential_is_tried_at_the_service_and_says_what_was_tried(made, service):
    done = call(made, "alice", "create", s3_spec(service))
    assert done.checked == (
        "the endpoint accepts the keys, and they may list the bucket; writing was not tried",
    )
    assert call(made, "alice", "validate", "backups").checked == done.checked
    assert done.record.ownership.owner == "alice"


@pytest.mark.parametrize(
    ("spec", "words"), [(azure_spec, "Azure"), (google_spec, "Google"), (nfs_spec, "mount")]
)
def test_other_kinds_are_looked_at_and_the_answer_says_that_this_was_all(made, spec, words):
    done = call(made, "alice", "create", spec())
    (said,) = done.checked
    assert said.startswith("the form only")
    assert words in said
    assert call(made, "alice", "validate", done.record.id).checked == done.checked


def test_without_a_bucket_it_is_said_that_none_was_tried(made, service):
    done = call(made, "alice", "create", s3_spec(service, bucket=""))
    assert "no bucket is named" in done.checked[0]


def test_a_credential_is_found_by_id_and_by_name(made):
    record = call(made, "alice", "create", azure_spec()).record
    assert call(made, "alice", "inspect", record.id) == call(made, "alice", "inspect", "azure") == record
    assert call(made, "alice", "enumerate") == [record.id]


# Secrets ------------------------------------------------------------------------------------------


def test_secret_parts_are_in_the_provider_and_nowhere_else(made, service):
    extra = {SecretPart.ENCRYPTION_KEY: secret(ENCRYPTION_KEY)}
    specs = [s3_spec(service), azure_spec(), google_spec(), nfs_spec(parts=extra)]
    for spec in specs:
        done = call(made, "alice", "create", spec)
        shown = repr(done) + repr(call(made, "alice", "inspect", spec.name)) + repr(spec)
        for part in spec.parts.values():
            assert part.reveal().decode()[:20] not in shown
            assert part.reveal()[:20] not in everything_stored(made)
    assert len(made.provider.held()) == 4


def test_whether_backups_are_encrypted_is_told(made):
    call(made, "alice", "create", nfs_spec(parts={SecretPart.ENCRYPTION_KEY: secret(ENCRYPTION_KEY)}))
    call(made, "alice", "create", azure_spec())
    assert call(made, "alice", "inspect", "nfs").encrypts
    assert not call(made, "alice", "inspect", "azure").encrypts


@pytest.mark.parametrize(
    ("turn", "error"),
    [
        pytest.param({"away": True}, ProviderUnavailableError, id="away"),
        pytest.param({"read_only": True}, ReadOnlyProviderError, id="read-only"),
    ],
)
def test_a_provider_that_takes_nothing_is_a_clear_refusal_and_nothing_is_stored(made, turn, error):
    for name, value in turn.items():
        setattr(made.provider, name, value)
    with pytest.raises(error):
        call(made, "alice", "create", azure_spec())
    assert call(made, "admin", "enumerate") == []


def test_without_a_provider_only_what_has_no_secret_can_be_kept(tmp_path, service):
    made = node_at(tmp_path, service, provider=False)
    with pytest.raises(NoProviderError, match="-secret_type"):
        call(made, "alice", "create", azure_spec())
    call(made, "alice", "create", nfs_spec())
    assert call(made, "alice", "validate", "nfs").checked


def test_a_secret_that_somebody_removed_is_told_and_can_be_given_again(made):
    call(made, "alice", "create", azure_spec())
    for name in made.provider.held():
        made.provider.destroy_name(name)
    with pytest.raises(NotFoundError):
        call(made, "alice", "validate", "azure")
    call(made, "alice", "update", "azure", CredentialSpec(parts={SecretPart.ACCOUNT_KEY: secret(AZURE_KEY)}))
    assert call(made, "alice", "validate", "azure").checked


# What is not valid --------------------------------------------------------------------------------

NOT_VALID = {
    "wrong-secret": (
        lambda s: {"parts": {SecretPart.SECRET_KEY: secret("x" * 40)}},
        CredentialRefusedError,
        "credentials could not be validated: secret_key",
    ),
    "strange-key": (
        lambda s: {"account": s3_account(s, access_key="AKIANOPE")},
        CredentialRefusedError,
        "credentials could not be validated: access_key",
    ),
    "no-right": (
        lambda s: {
            "account": s3_account(s, access_key=s.stranger.access_key),
            "parts": {SecretPart.SECRET_KEY: secret(s.stranger.secret_key)},
        },
        CredentialRefusedError,
        "bucket: the keys may not list it",
    ),
    "no-bucket": (lambda s: {"bucket": "absent"}, InvalidInputError, "bucket: expected one that exists"),
}


@pytest.mark.parametrize("case", NOT_VALID)
def test_what_the_service_refuses_is_not_stored(made, service, case):
    changes, error, text = NOT_VALID[case]
    with pytest.raises(error, match=text):
        call(made, "alice", "create", s3_spec(service, **changes(service)))
    assert call(made, "admin", "enumerate") == []
    assert made.provider.held() == []
    assert made.node.credentials._catalog.marks() == []


FORM = {
    "no-name": (lambda s: azure_spec(""), "name: Must supply a name"),
    "name-with-a-slash": (lambda s: azure_spec("a/b"), "name: expected"),
    "name-too-long": (lambda s: azure_spec("a" * 129), "name: expected"),
    "name-like-an-id": (lambda s: azure_spec("12345678-1234-1234-1234-123456789abc"), "name: expected"),
    "no-type": (lambda s: azure_spec(account=None), "Unknown credential type"),
    "bucket-of-no-form": (lambda s: s3_spec(s, bucket="A_b/../c"), "bucket: expected"),
    "bucket-too-long": (lambda s: s3_spec(s, bucket="a" * 64), "bucket: expected"),
    "no-access-key": (lambda s: s3_spec(s, account=s3_account(s, access_key="")), "Must supply Access Key"),
    "hostile-access-key": (
        lambda s: s3_spec(s, account=s3_account(s, access_key="a\r\nHost: x")),
        "access_key: expected",
    ),
    "no-secret-key": (lambda s: s3_spec(s, parts={}), "Must supply Secret Key"),
    "empty-secret-key": (
        lambda s: s3_spec(s, parts={SecretPart.SECRET_KEY: secret("")}),
        "Must supply Secret Key",
    ),
    "huge-secret-key": (
        lambda s: s3_spec(s, parts={SecretPart.SECRET_KEY: secret("x" * 5000)}),
        "aws_credential.secret_key: expected 1 to 1024 bytes",
    ),
    "secret-key-with-a-line-end": (
        lambda s: s3_spec(s, parts={SecretPart.SECRET_KEY: secret("x\n")}),
        "no control characters",
    ),
    "no-region": (lambda s: s3_spec(s, account=s3_account(s, region="")), "Must supply Region Key"),
    "hostile-region": (lambda s: s3_spec(s, account=s3_account(s, region="a/b")), "region: expected"),
    "no-endpoint": (lambda s: s3_spec(s, account=s3_account(s, endpoint="")), "Must supply Endpoint Key"),
    "endpoint-with-scheme": (
        lambda s: s3_spec(s, account=s3_account(s, endpoint="http://h")),
        "endpoint: expected host",
    ),
    "endpoint-with-path": (lambda s: s3_spec(s, account=s3_account(s, endpoint="h/p")), "endpoint: expected"),
    "endpoint-with-user": (lambda s: s3_spec(s, account=s3_account(s, endpoint="u@h")), "endpoint: expected"),
    "endpoint-port-0": (lambda s: s3_spec(s, account=s3_account(s, endpoint="h:0")), "endpoint: expected"),
    "endpoint-port-high": (lambda s: s3_spec(s, account=s3_account(s, endpoint="h:65536")), "endpoint"),
    "endpoint-list": (lambda s: s3_spec(s, account=s3_account(s, endpoint="a:1,b:2")), "endpoint: expected"),
    "endpoint-broken-v6": (
        lambda s: s3_spec(s, account=s3_account(s, endpoint="[::1")),
        "endpoint: expected",
    ),
    "endpoint-zone": (lambda s: s3_spec(s, account=s3_account(s, endpoint="[fe80::1%1]:9")), "endpoint"),
    "endpoint-of-dots": (
        lambda s: s3_spec(s, account=s3_account(s, endpoint="a" + "-." * 120 + "!")),
        "endpoint: expected",
    ),
    "storage-class": (
        lambda s: s3_spec(s, account=s3_account(s, storage_class="STANDARD-IA")),
        "s3_storage_class: expected one of",
    ),
    "server-side-encryption": (
        lambda s: s3_spec(s, account=s3_account(s, server_side_encryption="rot13")),
        "server_side_encryption: expected one of",
    ),
    "no-account-name": (
        lambda s: azure_spec(account=AzureAccount(account_name="")),
        "Must supply Account name",
    ),
    "account-name": (
        lambda s: azure_spec(account=AzureAccount(account_name="A.b")),
        "account_name: expected",
    ),
    "no-account-key": (lambda s: azure_spec(parts={}), "Must supply Account Key"),
    "account-key": (
        lambda s: azure_spec(parts={SecretPart.ACCOUNT_KEY: secret("AAAA")}),
        "account_key: expected the base64",
    ),
    "no-json-key": (lambda s: google_spec(parts={}), "Must supply JSON Key"),
    "json-key-not-json": (
        lambda s: google_spec(parts={SecretPart.JSON_KEY: secret("{")}),
        "json_key: expected the JSON key file",
    ),
    "json-key-deep": (
        lambda s: google_spec(parts={SecretPart.JSON_KEY: secret("[" * 16000)}),
        "json_key: expected the JSON key file",
    ),
    "json-key-huge": (
        lambda s: google_spec(parts={SecretPart.JSON_KEY: secret("x" * 20000)}),
        "json_key: expected 1 to 16384 bytes",
    ),
    "json-key-without-a-key": (
        lambda s: google_spec(parts={SecretPart.JSON_KEY: secret(google_key(private_key="none"))}),
        "json_key: expected the JSON key file",
    ),
    "json-key-of-a-user": (
        lambda s: google_spec(parts={SecretPart.JSON_KEY: secret(google_key(type="authorized_user"))}),
        "json_key: expected a key of type service_account",
    ),
    "json-key-of-another-project": (
        lambda s: google_spec(parts={SecretPart.JSON_KEY: secret(google_key(project_id="project-2"))}),
        "json_key: expected a key of the project",
    ),
    "no-server": (lambda s: nfs_spec(account=NfsExport(server="")), "Must supply NFS server address"),
    "server": (lambda s: nfs_spec(account=NfsExport(server="a b")), "server: expected"),
    "sub-path": (lambda s: nfs_spec(account=NfsExport(server="h", sub_path="/a/../b")), "sub_path: expected"),
    "mount-options": (
        lambda s: nfs_spec(account=NfsExport(server="h", mount_opts="ro;reboot")),
        "mount_opts: expected",
    ),
    "mount-option-suid": (
        lambda s: nfs_spec(account=NfsExport(server="h", mount_opts="vers=4.2,suid")),
        "mount_opts: expected",
    ),
    "timeout": (
        lambda s: nfs_spec(account=NfsExport(server="h", timeout_seconds=1 << 31)),
        "timeout_seconds: expected",
    ),
    "nfs-through-a-proxy": (lambda s: nfs_spec(use_proxy=True), "Proxy not supported for NFS credentials"),
}


@pytest.mark.parametrize("case", FORM)
def test_bad_input_names_the_field_and_never_what_was_given(made, service, case):
    build, text = FORM[case]
    with pytest.raises(InvalidInputError, match=text):
        call(made, "alice", "create", build(service))
    assert call(made, "admin", "enumerate") == []
    assert made.provider.held() == []


@pytest.mark.parametrize("field", ["use_proxy", "iam_policy"])
def test_what_is_not_offered_is_refused_rather_than_left_out(made, service, field):
    with pytest.raises(UnsupportedError, match=f"{field}: "):
        call(made, "alice", "create", s3_spec(service, **{field: True}))


# Which hosts the node asks ------------------------------------------------------------------------


def rejected(made, who, service, **changes):
    with pytest.raises(HoldfastError) as caught:
        call(made, who, "create", s3_spec(service, account=s3_account(service, **changes)))
    return caught.value


def test_an_ordinary_user_names_no_endpoint_without_tls(tmp_path, service):
    made = node_at(tmp_path, service, listed=False)
    error = rejected(made, "alice", service)
    assert isinstance(error, CredentialRefusedError)
    assert "disable_ssl" in error.message


@pytest.mark.parametrize("port", [22, 25, 80, 445, 1023])
def test_an_ordinary_user_names_no_port_of_other_services(tmp_path, service, port):
    made = node_at(tmp_path, service, listed=False)
    error = rejected(made, "alice", service, disable_ssl=False, endpoint=f"s3.example:{port}")
    assert isinstance(error, CredentialRefusedError)
    assert "port" in error.message


@pytest.mark.parametrize("who", ["alice", "admin"])
@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "169.254.169.254", "[::1]", "0x7f.1", "[::ffff:127.0.0.1]"]
)
def test_nobody_makes_the_node_call_itself_or_the_metadata_service(tmp_path, service, who, host):
    made = node_at(tmp_path, service, listed=False)
    error = rejected(made, who, service, disable_ssl=False, endpoint=f"{host}:{service.port}")
    assert isinstance(error, UnavailableError)
    assert "not to be reached" in error.message


def test_the_operators_list_counts_for_exactly_what_it_names(made, service):
    other = rejected(made, "alice", service, endpoint=f"127.0.0.1:{service.port + 1}")
    assert isinstance(other, CredentialRefusedError)
    assert isinstance(rejected(made, "alice", service, disable_ssl=False), UnavailableError)
    call(made, "alice", "create", s3_spec(service))


def test_who_named_the_endpoint_counts_and_not_who_asks(tmp_path, service):
    rules = EndpointRules()
    account = s3_account(service, endpoint="10.1.2.3:9000")
    with pytest.raises(CredentialRefusedError):
        rules.place(account)
    assert rules.place(s3_account(service, endpoint="10.1.2.3:9000", set_by_administrator=True))


@pytest.mark.parametrize("text", ["minio:9000", "ftp://h:1", "https://", "https://h/p", "https://u@h"])
def test_an_operators_list_of_another_form_is_refused(text):
    with pytest.raises(InvalidInputError, match="--cloud-endpoint: expected"):
        EndpointRules.parse([text])


# Updates ------------------------------------------------------------------------------------------


def test_an_update_changes_what_it_names_and_removes_the_old_secret(made, service):
    before = call(made, "alice", "create", s3_spec(service)).record
    old = made.provider.held()
    parts = {SecretPart.ENCRYPTION_KEY: secret(ENCRYPTION_KEY)}
    done = call(made, "alice", "update", "backups", CredentialSpec(name="renamed", parts=parts))
    assert (done.record.id, done.record.account) == (before.id, before.account)
    assert done.record.encrypts
    assert done.checked
    assert len(made.provider.held()) == 1
    assert made.provider.held() != old
    assert call(made, "alice", "validate", "renamed").checked
    with pytest.raises(OwnershipDeniedError):
        call(made, "alice", "inspect", "backups")


def test_an_update_that_is_not_valid_changes_nothing(made, service):
    before = call(made, "alice", "create", s3_spec(service)).record
    held = made.provider.held()
    parts = {SecretPart.SECRET_KEY: secret("x" * 40)}
    with pytest.raises(CredentialRefusedError):
        call(made, "alice", "update", "backups", CredentialSpec(parts=parts))
    with pytest.raises(InvalidInputError, match="bucket"):
        call(made, "alice", "update", "backups", CredentialSpec(bucket="absent"))
    assert call(made, "alice", "inspect", "backups") == before
    assert made.provider.held() == held


@pytest.mark.parametrize(
    "change", [{"endpoint": "evil.example:443", "disable_ssl": False}, {"access_key": "AKIA1"}]
)
def test_another_place_needs_the_secret_again(made, service, change):
    call(made, "alice", "create", s3_spec(service))
    with pytest.raises(InvalidInputError, match="secret_key: expected it again"):
        call(made, "alice", "update", "backups", CredentialSpec(account=s3_account(service, **change)))


def test_a_credential_does_not_change_its_kind(made):
    call(made, "alice", "create", azure_spec())
    with pytest.raises(InvalidInputError, match="credential_type: expected azure_credential"):
        call(made, "alice", "update", "azure", CredentialSpec(account=NfsExport(server="h")))


def test_a_user_keeps_no_administrators_endpoint_for_one_of_his_own(tmp_path, service):
    """A private endpoint stays usable after a user's change, until he names one himself."""
    made = node_at(tmp_path, service)
    call(made, "admin", "create", s3_spec(service))
    call(made, "admin", "update_access", "backups", AccessChange(owner="alice"))
    same = CredentialSpec(account=s3_account(service, region="us-east-1"))
    assert call(made, "alice", "update", "backups", same).record.account.set_by_administrator
    other = s3_account(service, endpoint="10.0.0.1:9000")
    parts = {SecretPart.SECRET_KEY: secret("x" * 40)}
    with pytest.raises(CredentialRefusedError, match="disable_ssl"):
        call(made, "alice", "update", "backups", CredentialSpec(account=other, parts=parts))


def test_the_owner_is_never_lost_by_an_update(made):
    call(made, "alice", "create", azure_spec())
    call(made, "alice", "update", "azure", CredentialSpec(name="renamed"))
    assert call(made, "alice", "inspect", "renamed").ownership.owner == "alice"
    with pytest.raises(PermissionDeniedError, match="only the storage administrator"):
        call(made, "alice", "update", "renamed", CredentialSpec(owner="bob"))
    call(made, "admin", "update", "renamed", CredentialSpec(owner="bob"))
    assert call(made, "bob", "inspect", "renamed").ownership.owner == "bob"


# Names, races, crashes ----------------------------------------------------------------------------


def test_a_name_is_taken_once(made):
    call(made, "alice", "create", azure_spec())
    for who in ("alice", "bob"):
        with pytest.raises(CredentialExistsError, match="name: another"):
            call(made, who, "create", azure_spec())
    call(made, "bob", "create", azure_spec("mine"))
    with pytest.raises(CredentialExistsError):
        call(made, "bob", "update", "mine", CredentialSpec(name="azure"))
    assert len(made.provider.held()) == 2


def test_of_two_creates_of_one_name_at_once_one_wins_and_the_others_secret_goes(made):
    both = threading.Barrier(2, timeout=60)
    made.provider.before_put = both.wait
    outcomes = []

    def create(who):
        try:
            outcomes.append(call(made, who, "create", azure_spec()))
        except CredentialExistsError as error:
            outcomes.append(error)

    threads = [threading.Thread(target=create, args=(who,)) for who in ("alice", "bob")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(isinstance(outcome, CredentialExistsError) for outcome in outcomes) == [False, True]
    (winner,) = (outcome.record for outcome in outcomes if not isinstance(outcome, CredentialExistsError))
    assert made.provider.held() == [winner.secret.leaf]
    assert made.node.credentials._catalog.marks() == []


RACES = {
    "a-delete": (lambda made: call(made, "alice", "delete", "azure"), NotFoundError, 0),
    "another-update": (
        lambda made: call(made, "alice", "update", "azure", CredentialSpec(name="renamed")),
        ConflictError,
        1,
    ),
}


@pytest.mark.parametrize("race", RACES)
def test_an_update_that_is_overtaken_changes_nothing_and_leaves_no_secret(made, race):
    overtake, error, left = RACES[race]
    call(made, "alice", "create", azure_spec())

    def once():
        made.provider.before_put = lambda: None
        overtake(made)

    made.provider.before_put = once
    parts = {SecretPart.ACCOUNT_KEY: secret(AZURE_KEY)}
    with pytest.raises(error):
        call(made, "alice", "update", "azure", CredentialSpec(parts=parts))
    assert len(made.provider.held()) == left
    assert made.node.credentials._catalog.marks() == []


def test_of_two_deletes_at_once_each_sees_it_gone(made):
    record = call(made, "alice", "create", azure_spec()).record
    assert call(made, "alice", "delete", record.id)
    with pytest.raises(OwnershipDeniedError):
        call(made, "alice", "delete", record.id)
    assert made.provider.held() == []


def restarted(tmp_path, service, made):
    made.node.cluster.membership.leave(keep_lease=False)  # its lease runs out after a crash
    again = node_at(tmp_path, service, provider=made.provider, storage=made.storage)
    again.node.credentials.recover()
    return again


@pytest.mark.parametrize("moment", ["before_put", "after_put"])
@pytest.mark.parametrize("operation", ["create", "update"])
def test_a_crash_around_the_write_of_the_secret_leaves_nothing(tmp_path, service, operation, moment):
    made = node_at(tmp_path, service)
    parts = {SecretPart.ACCOUNT_KEY: secret(AZURE_KEY)}
    if operation == "update":
        call(made, "alice", "create", azure_spec())
    held = made.provider.held()
    setattr(made.provider, moment, killed)
    args = [azure_spec()] if operation == "create" else ["azure", CredentialSpec(parts=parts)]
    with pytest.raises(Killed):
        call(made, "alice", operation, *args)
    setattr(made.provider, moment, lambda: None)
    again = restarted(tmp_path, service, made)
    assert made.provider.held() == held
    assert again.node.credentials._catalog.marks() == []
    assert len(call(again, "alice", "enumerate")) == len(held)
    if held:
        assert call(again, "alice", "validate", "azure").checked


def test_a_delete_while_the_provider_is_away_says_so_and_is_finished_later(tmp_path, service):
    made = node_at(tmp_path, service)
    call(made, "alice", "create", azure_spec())
    made.provider.away = True
    assert not call(made, "alice", "delete", "azure")
    assert call(made, "admin", "enumerate") == []
    made.provider.away = False
    assert len(made.provider.held()) == 1
    call(made, "alice", "create", nfs_spec())  # any change is a chance
    assert made.provider.held() == []


def test_a_secret_that_another_node_is_just_writing_is_left_alone_for_an_hour(tmp_path, service):
    made = node_at(tmp_path, service)
    made.provider.after_put = killed
    with pytest.raises(Killed):
        call(made, "alice", "create", azure_spec())
    made.provider.after_put = lambda: None
    other = node_at(tmp_path, service, provider=made.provider, storage=made.storage, node_id="node-2")
    secrets = other.node.credentials._secrets
    assert secrets.sweep() == 0
    assert len(made.provider.held()) == 1
    other.clock.advance(3601)
    secrets.sweep()
    assert made.provider.held() == []


def test_a_secret_of_a_provider_that_is_no_longer_there_waits_for_it(tmp_path, service):
    made = node_at(tmp_path, service)
    call(made, "alice", "create", azure_spec())
    without = node_at(tmp_path, service, provider=False, storage=made.storage, node_id="node-2")
    assert not call(without, "alice", "delete", "azure")
    assert len(made.provider.held()) == 1
    made.clock.advance(3601)
    made.node.credentials.recover()
    assert made.provider.held() == []


# Who may ------------------------------------------------------------------------------------------


def test_references_are_forgotten_by_who_may_read_and_for_what_is_gone_by_the_administrator(made):
    call(made, "alice", "create", azure_spec())
    call(made, "alice", "delete_references", "azure")
    call(made, "admin", "delete_references", "gone")
    for who, reference in (("bob", "azure"), ("alice", "gone")):
        with pytest.raises(OwnershipDeniedError, match=f"Access denied to credential {reference}"):
            call(made, who, "delete_references", reference)


@pytest.mark.parametrize("reference", ["", "a/b", "../azure", "x" * 200, "a\0"])
@pytest.mark.parametrize("operation", ["inspect", "validate", "delete", "delete_references"])
def test_a_reference_of_no_form_is_refused(made, operation, reference):
    with pytest.raises(InvalidInputError, match="credential_id: expected"):
        call(made, "admin", operation, reference)


def test_what_is_done_is_in_the_audit_log_by_id(made):
    record = call(made, "alice", "create", azure_spec()).record
    done = [line for line in made.sink.lines if line["decision"] == "done"]
    assert [(line["resource"], line["user"]) for line in done] == [(record.id, "alice")]
