"""Moving in, from a cluster, files or Kubernetes; and out, encrypted, and back: with real stores and gpg."""

import base64
import json
import os
import pty
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.support.store_process import StoreProcess
from tests.support.store_talk import ask

from holdfast.client import DcosClient, DcosValue
from holdfast.tokens.rsa_key import RsaSigningKey

LIMIT_SECONDS = 60
PASSWORD = "correct-horse-7f3a"
MARK = "marked-7f3a"
MEBIBYTE = 1024 * 1024
ALL_BYTES = bytes(range(256))

# What the other cluster has: every kind of value and of name that must come over unchanged.
THEIRS = {
    "top": "value-" + MARK,
    "team/db/password": "p\u00e4ss word\n",
    "team/db": "a secret and a directory",
    "team/empty": "",
    "team/nul": "a\0b",
    "team/keytab": b"\xff\0" + ALL_BYTES,
    "team/looks-like-text": b"abc",
    "team/empty-binary": b"",
    "team/__dcos_base64__old": base64.b64encode(ALL_BYTES).decode(),
    "team/large-text": "x" * MEBIBYTE,
    "team/large-binary": os.urandom(MEBIBYTE),
    "names/tls.crt": "dotted",
    "names/a b%2Fc": "blank and percent",
    "names/\u00fcber": "umlaut",
}


@pytest.fixture(scope="module")
def theirs(tmp_path_factory):
    with StoreProcess(tmp_path_factory.mktemp("theirs"), tls=True) as store:
        store.initialize()
        client = secrets_of(store)
        for name, value in THEIRS.items():
            client.create(name, value)
        yield store


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    with StoreProcess(tmp_path_factory.mktemp("ours"), audit=True) as store:
        store.initialize()
        yield store


@pytest.fixture(autouse=True)
def _empty(request):
    """Every test begins with an empty store of ours."""
    yield
    if "ours" in request.fixturenames:
        ours = request.getfixturevalue("ours")
        if not ours.client("").seal_status().sealed:
            ask(ours, "DELETE", "/v1/sys/mounts/secret")
            answer = ask(ours, "POST", "/v1/sys/mounts/secret", {"type": "kv", "options": {"version": "2"}})
            assert answer.status in {200, 204}, answer.body


def secrets_of(store, token=None):
    from holdfast.client import TlsSettings

    tls = TlsSettings(ca_cert=str(store.certificate)) if store.certificate else None
    return DcosClient(store.url, token or store.root_token, tls=tls)


def content_of(store, path=""):
    """Return all secrets of a store as text or bytes."""
    client = secrets_of(store)
    found = {}
    for name in client.list(path):
        value = client.read(f"{path}/{name}" if path else name)
        found[name] = value.content.decode() if value.is_text else value.content
    return found


class Operator:
    """Runs the program as somebody who is logged in at our store."""

    def __init__(self, store, directory):
        self.directory = directory
        self.environment = {
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
            "HOME": str(directory),
            "HOLDFAST_ADDR": store.url,
            "HOLDFAST_TOKEN": store.root_token,
        }

    def run(self, *words, stdin=b"", launcher=()):
        done = subprocess.run(
            [*launcher, sys.executable, "-m", "holdfast.cli.holdfast", *words],
            cwd=self.directory,
            env=self.environment,
            input=stdin,
            capture_output=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )
        assert b"defect" not in done.stderr, done.stderr
        return done

    def report(self, *words, code=0, **how):
        """Import; return path to outcome, and path to reason where there is one."""
        done = self.run("import", *words, "--output=json", **how)
        assert done.returncode == code, done.stderr
        secrets = json.loads(done.stdout)["secrets"]
        return (
            {row["path"]: row["outcome"] for row in secrets},
            {row["path"]: row["reason"] for row in secrets if row["reason"]},
        )

    def keep(self, name, content):
        place = self.directory / name
        place.write_bytes(content)
        place.chmod(0o600)
        return str(place)


@pytest.fixture
def operator(ours, tmp_path):
    return Operator(ours, tmp_path)


@pytest.fixture
def source(theirs, operator):
    """The options that lead to the other cluster, with its root token."""
    return [
        f"--url={theirs.url}",
        f"--source-ca-cert={theirs.certificate}",
        f"--token-file={operator.keep('token', theirs.root_token.encode())}",
    ]


def acs(store, method, path, body=None):
    headers = {"Authorization": f"token={store.root_token}"}
    answer = ask(store, method, f"/acs/api/v1/{path}", body, token="", headers=headers)
    assert answer.status in {200, 201, 204}, answer.body


class TestFromAnotherCluster:
    def test_everything_comes_over_and_a_second_run_finds_it_identical(self, ours, operator, source):
        outcomes, reasons = operator.report("dcos", *source)
        assert outcomes == dict.fromkeys(THEIRS, "created")
        assert reasons == {}
        assert content_of(ours) == THEIRS
        assert operator.report("dcos", *source) == (dict.fromkeys(THEIRS, "identical"), {})

    def test_a_rehearsal_writes_nothing_and_says_the_same(self, ours, operator, source):
        secrets_of(ours).create("top", "another")
        outcomes, reasons = operator.report("dcos", *source, "--dry-run", code=2)
        assert content_of(ours) == {"top": "another"}
        assert (outcomes, reasons) == operator.report("dcos", *source, code=2)
        assert outcomes == dict.fromkeys(THEIRS, "created") | {"top": "failed"}

    @pytest.mark.parametrize(
        ("choice", "outcome", "code", "kept"),
        [
            pytest.param([], "failed", 2, "ours", id="unless-told"),
            pytest.param(["--on-conflict=fail"], "failed", 2, "ours", id="fail"),
            pytest.param(["--on-conflict=skip"], "skipped", 0, "ours", id="skip"),
            pytest.param(["--on-conflict=replace"], "replaced", 0, "theirs", id="replace"),
        ],
    )
    def test_what_was_there_is_never_lost(self, ours, operator, source, choice, outcome, code, kept):
        mine = {"top": "my own", "team/looks-like-text": "abc", "team/keytab": b"my own\xff"}
        for name, value in mine.items():
            secrets_of(ours).create(name, value)
        outcomes, reasons = operator.report("dcos", *source, *choice, code=code)
        assert outcomes == dict.fromkeys(THEIRS, "created") | dict.fromkeys(mine, outcome)
        assert all(
            ("another secret is there" in reason) == (outcome != "replaced") for reason in reasons.values()
        )
        assert content_of(ours) == (THEIRS | mine if kept == "ours" else THEIRS)
        earlier = ask(ours, "GET", "/v1/secret/data/top?version=1").json["data"]["data"]
        assert earlier == {"value": "my own"}

    @pytest.mark.parametrize(
        ("options", "names"),
        [
            pytest.param(["--path=team/db"], {"team/db", "team/db/password"}, id="a-secret-and-below"),
            pytest.param(["--path=/team/db/"], {"team/db/password"}, id="below-only"),
            pytest.param(["--path=top"], {"top"}, id="one-secret"),
            pytest.param(["--path=absent"], set(), id="nothing"),
            pytest.param(["--path=top", "--into=moved/here"], {"moved/here/top"}, id="into-a-prefix"),
        ],
    )
    def test_a_part_keeps_its_names(self, ours, operator, source, options, names):
        outcomes, _ = operator.report("dcos", *source, *options)
        assert outcomes.keys() == names == content_of(ours).keys()

    def test_a_user_logs_in_with_a_password(self, theirs, operator, source):
        acs(theirs, "PUT", "users/mover", {"password": PASSWORD})
        for rid in ("dcos:secrets:default:%252Fteam%252F*", "dcos:secrets:list:default:%252Fteam"):
            acs(theirs, "PUT", f"acls/{rid}", {"description": ""})
            acs(theirs, "PUT", f"acls/{rid}/users/mover/full")
        login = [*source[:2], "--username=mover", "--path=team/"]
        password = operator.keep("password", PASSWORD.encode() + b"\n")
        outcomes, _ = operator.report("dcos", *login, f"--password-file={password}")
        assert outcomes == {name: "created" for name in THEIRS if name.startswith("team/")}
        assert set(operator.report("dcos", *login, stdin=PASSWORD.encode())[0].values()) == {"identical"}
        # What he may not list is an error, and what he may not read is one row.
        assert (
            operator.run(
                "import", "dcos", *source[:2], "--username=mover", stdin=PASSWORD.encode()
            ).returncode
            == 2
        )
        outcomes, reasons = operator.report(
            "dcos", *source[:2], "--username=mover", "--path=team", stdin=PASSWORD.encode(), code=2
        )
        assert outcomes["team"] == "failed"
        assert reasons.keys() == {"team"}

    def test_a_service_account_logs_in_with_its_key(self, theirs, operator, source):
        key = RsaSigningKey.generate()
        acs(theirs, "PUT", "users/svc", {"public_key": key.verifying_key().pem().decode()})
        acs(theirs, "PUT", "groups/superusers/users/svc")
        pem = operator.keep("key.pem", key.pem().reveal())
        outcomes, _ = operator.report("dcos", *source[:2], "--username=svc", f"--private-key={pem}")
        assert outcomes == dict.fromkeys(THEIRS, "created")

    @pytest.mark.parametrize(
        ("change", "code", "told"),
        [
            pytest.param(lambda s, o: s[:2], 1, "either --username, or --token-file", id="no-login"),
            pytest.param(lambda s, o: [*s, "--username=x"], 1, "either --username", id="two-logins"),
            pytest.param(
                lambda s, o: [*s[:2], "--username=x", f"--password-file={o.keep('no', b'wrong')}"],
                2,
                "Invalid credentials",
                id="wrong-password",
            ),
            pytest.param(
                lambda s, o: [*s[:2], f"--token-file={o.keep('no', b'hvs.wrong')}"],
                2,
                "token",
                id="wrong-token",
            ),
            pytest.param(
                lambda s, o: [*s[:2], f"--token-file={o.directory}/absent"],
                1,
                "token file",
                id="no-token-file",
            ),
            pytest.param(
                lambda s, o: [*s[:2], "--username=x", f"--private-key={o.keep('no', b'no key')}"],
                1,
                "--private-key",
                id="no-key",
            ),
            pytest.param(
                lambda s, o: [s[0], s[2]], 2, "certificate was not accepted", id="unknown-authority"
            ),
            pytest.param(lambda s, o: [*s, "--store=other"], 2, "store not found", id="unknown-store"),
            pytest.param(lambda s, o: [*s, "--into-store=other"], 2, "store not found", id="unknown-target"),
            pytest.param(lambda s, o: [*s, "--path=a/../b"], 1, "--path", id="path-that-climbs"),
            pytest.param(lambda s, o: [*s, "--into=../b"], 1, "--into", id="prefix-that-climbs"),
            pytest.param(
                lambda s, o: [f"--url={o.environment['HOLDFAST_ADDR']}", s[2]],
                1,
                "another address",
                id="itself",
            ),
            pytest.param(lambda s, o: ["--url=http://192.0.2.1", s[2]], 1, "plain http", id="plain-http"),
            pytest.param(lambda s, o: ["--url=https://127.0.0.1:1", s[2]], 2, "no answer", id="nobody-there"),
        ],
    )
    def test_what_cannot_begin_says_why_and_writes_nothing(self, ours, operator, source, change, code, told):
        done = operator.run("import", "dcos", *change(source, operator))
        assert (done.returncode, done.stdout) == (code, b"")
        assert told in done.stderr.decode()
        assert content_of(ours) == {}

    def test_a_credential_that_others_can_read_is_not_used(self, operator, source):
        (operator.directory / "token").chmod(0o644)
        done = operator.run("import", "dcos", *source)
        assert done.returncode == 1
        assert b"chmod 600" in done.stderr

    def test_no_value_is_printed_whatever_happens(self, ours, operator, source):
        secrets_of(ours).create("top", "mine-" + MARK)
        runs = (["--dry-run"], [], ["--on-conflict=skip"], ["--on-conflict=replace"], [])
        for words, output in zip(runs, ("table", "json", "table", "yaml", "table"), strict=True):
            done = operator.run("import", "dcos", *source, *words, f"--output={output}")
            assert MARK.encode() not in done.stdout + done.stderr
            assert b"top" in done.stdout


class TestStoresThatFail:
    def test_a_sealed_store_is_told_before_anything_is_read(self, tmp_path_factory, tmp_path):
        with StoreProcess(tmp_path_factory.mktemp("sealed")) as store:
            store.initialize()
            ask(store, "PUT", "/v1/sys/seal")
            (tmp_path / "in").mkdir()
            (tmp_path / "in" / "a").write_bytes(b"x")
            done = Operator(store, tmp_path).run("import", "dir", "in")
        assert (done.returncode, done.stdout) == (2, b"")
        assert b"sealed" in done.stderr

    def test_an_import_that_a_seal_cut_off_is_resumed(self, tmp_path_factory, tmp_path):
        """The report says of each secret whether it is in the store, and the next run does only the rest."""
        files = tmp_path / "in"
        files.mkdir()
        for number in range(400):
            (files / f"n{number:04}").write_bytes(b"%d" % number)
        with StoreProcess(tmp_path_factory.mktemp("cut-off")) as store:
            store.initialize()
            operator = Operator(store, tmp_path)
            with ThreadPoolExecutor(1) as thread:
                running = thread.submit(operator.report, "dir", "in", code=2)
                client = secrets_of(store)
                while len(client.list()) < 20:
                    time.sleep(0.01)
                ask(store, "PUT", "/v1/sys/seal")
                outcomes, reasons = running.result()
            store.unseal()
            arrived = content_of(store).keys()
            failed = {path for path, outcome in outcomes.items() if outcome == "failed"}
            assert {path for path, outcome in outcomes.items() if outcome == "created"} <= arrived
            assert any(reason.startswith("not tried") for reason in reasons.values())
            assert 20 <= len(arrived) < 400
            again, _ = operator.report("dir", "in")
            assert {path for path, outcome in again.items() if outcome == "identical"} == arrived
            assert {path for path, outcome in again.items() if outcome == "created"} == again.keys() - arrived
            assert again.keys() - arrived <= failed
            assert len(content_of(store)) == 400

    def test_whoever_interrupts_can_go_on(self, ours, operator):
        files = operator.directory / "in"
        files.mkdir()
        for number in range(400):
            (files / f"n{number:04}").write_bytes(b"%d" % number)
        running = subprocess.Popen(
            [sys.executable, "-m", "holdfast.cli.holdfast", "import", "dir", "in"],
            cwd=operator.directory,
            env=operator.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        client = secrets_of(ours)
        while len(client.list()) < 20:
            time.sleep(0.01)
        running.send_signal(signal.SIGINT)
        _, told = running.communicate(timeout=LIMIT_SECONDS)
        assert (running.returncode, b"Traceback" in told) == (130, False)
        arrived = client.list()
        assert len(arrived) < 400
        outcomes, _ = operator.report("dir", "in")
        assert {path for path, outcome in outcomes.items() if outcome == "identical"} == set(arrived)
        assert len(client.list()) == 400

    def test_a_token_that_may_not_write_fails_every_secret_and_no_other(self, ours, operator):
        rule = 'path "secret/data/allowed/*" { capabilities = ["create"] }'
        ask(ours, "PUT", "/v1/sys/policies/acl/narrow", {"policy": rule})
        token = ask(ours, "POST", "/v1/auth/token/create", {"policies": ["narrow"]}).json["auth"][
            "client_token"
        ]
        operator.environment["HOLDFAST_TOKEN"] = token
        for name in ("allowed/a", "refused/a"):
            (operator.directory / "in" / name).parent.mkdir(parents=True, exist_ok=True)
            (operator.directory / "in" / name).write_bytes(b"x")
        outcomes, reasons = operator.report("dir", "in", code=2)
        assert outcomes == {"allowed/a": "created", "refused/a": "failed"}
        assert reasons.keys() == {"refused/a"}


class TestFromFiles:
    def test_a_directory_with_everything_that_goes_wrong(self, ours, operator):
        files = operator.directory / "in"
        good = {"team/db": b"pw\n", "all": ALL_BYTES, "empty": b"", "mebibyte": b"m" * MEBIBYTE}
        bad = {"too-large": b"x" * (MEBIBYTE + 1), "a\\b": b"x", " blank": b"x"}
        for name, content in (good | bad).items():
            (files / name).parent.mkdir(parents=True, exist_ok=True)
            (files / name).write_bytes(content)
        (files / "link").symlink_to("/etc/passwd")
        os.mkfifo(files / "fifo")
        outcomes, reasons = operator.report("dir", "in", "--into=app", code=1)
        failed = {f"app/{name}" for name in (*bad, "link", "fifo")}
        assert outcomes == {f"app/{name}": "created" for name in good} | dict.fromkeys(failed, "failed")
        assert reasons.keys() == failed
        assert content_of(ours, "app") == {
            "team/db": "pw\n",
            "all": ALL_BYTES,
            "empty": "",
            "mebibyte": "m" * MEBIBYTE,
        }
        assert operator.report("dir", "in", "--into=app", "--dry-run", code=1)[1] == reasons

    def test_an_unreadable_file_is_one_row(self, operator):
        files = operator.directory / "in"
        (files / "closed").mkdir(parents=True)
        (files / "closed" / "x").write_bytes(b"x")
        (files / "mine").write_bytes(b"x")
        (files / "theirs").write_bytes(b"x")
        (files / "theirs").chmod(0)
        (files / "closed").chmod(0)
        # For root to be refused, too, what makes it root is taken away.
        launcher = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []
        outcomes, reasons = operator.report("dir", "in", code=1, launcher=launcher)
        assert outcomes == {"closed": "failed", "mine": "created", "theirs": "failed"}
        assert "Permission denied" in reasons["closed"]
        assert "Permission denied" in reasons["theirs"]

    def test_a_thousand_files(self, ours, operator):
        files = operator.directory / "in"
        files.mkdir()
        for number in range(1000):
            (files / f"n{number}").write_bytes(b"%d" % number)
        outcomes, _ = operator.report("dir", "in")
        assert set(outcomes.values()) == {"created"}
        assert len(outcomes) == len(secrets_of(ours).list()) == 1000

    def test_an_env_file_from_a_pipe(self, ours, operator):
        content = b"# ours\nexport DB='p w'\nKEY=\"a\\nb\"\n"
        outcomes, _ = operator.report("env", "-", "--into=app", stdin=content)
        assert outcomes == {"app/DB": "created", "app/KEY": "created"}
        assert content_of(ours, "app") == {"DB": "p w", "KEY": "a\nb"}

    def test_an_env_file_with_a_duplicate_writes_nothing(self, ours, operator):
        place = operator.keep(".env", b"A=1\nB=2\nA=3\n")
        done = operator.run("import", "env", place)
        assert done.returncode == 1
        assert b"line 3: the name was set on line 1 already" in done.stderr
        assert content_of(ours) == {}

    def test_secrets_of_kubernetes(self, ours, operator):
        items = [
            {
                "kind": "Secret",
                "metadata": {"namespace": "web", "name": name},
                "data": {key: base64.b64encode(value).decode() for key, value in data.items()},
            }
            for name, data in (
                ("tls", {"tls.crt": b"cert\n", "bin": b"\xff"}),
                ("twice", {"k": b"1"}),
                ("twice", {"k": b"2"}),
            )
        ]
        items.append(
            {"kind": "Secret", "metadata": {"namespace": "web", "name": ".."}, "data": {"k": "eA=="}}
        )
        document = json.dumps({"kind": "List", "items": items}).encode()
        outcomes, _ = operator.report("k8s-json", "-", stdin=document, code=1)
        assert outcomes == {
            "web/tls/tls.crt": "created",
            "web/tls/bin": "created",
            "web/twice/k": "failed",
            "web/../k": "failed",
        }
        assert content_of(ours) == {"web/tls/tls.crt": "cert\n", "web/tls/bin": b"\xff"}


@pytest.fixture(scope="module")
def keyring(tmp_path_factory):
    """Two people with gpg; yields how to call it."""
    home = tmp_path_factory.mktemp("gpg")
    home.chmod(0o700)
    # The socket of its agent must not have a long name.
    short = Path("/tmp") / f"gpg-{os.getpid()}"
    short.symlink_to(home)

    def gpg(*words, stdin=b""):
        command = [
            "gpg",
            "--homedir",
            str(short),
            "--batch",
            "--quiet",
            "--no-tty",
            "--passphrase",
            "",
            *words,
        ]
        return subprocess.run(command, input=stdin, capture_output=True, timeout=LIMIT_SECONDS, check=False)

    for person in ("ann", "bob"):
        made = gpg("--quick-generate-key", f"{person}@example.org", "rsa2048", "encr", "never")
        assert made.returncode == 0, made.stderr
    yield gpg
    subprocess.run(["gpgconf", "--homedir", str(short), "--kill", "all"], timeout=LIMIT_SECONDS, check=False)
    short.unlink()


@pytest.fixture
def recipients(keyring, operator):
    return [
        f"--recipient={operator.keep(person, keyring('--export', f'{person}@example.org').stdout)}"
        for person in ("ann", "bob")
    ]


@pytest.fixture
def filled(ours):
    client = secrets_of(ours)
    for name, value in THEIRS.items():
        client.create(name, value)
    return ours


class TestExport:
    def test_every_byte_comes_back_by_way_of_gpg(
        self, filled, operator, recipients, keyring, tmp_path_factory
    ):
        done = operator.run("export", *recipients, "-o", "backup.gpg")
        assert done.returncode == 0, done.stderr
        backup = operator.directory / "backup.gpg"
        assert backup.stat().st_mode & 0o777 == 0o600
        assert MARK.encode() not in backup.read_bytes()
        opened = keyring("--decrypt", str(backup))
        assert opened.returncode == 0, opened.stderr
        with StoreProcess(tmp_path_factory.mktemp("restored")) as restored:
            restored.initialize()
            other = Operator(restored, operator.directory)
            assert other.report("export", "-", stdin=opened.stdout) == (dict.fromkeys(THEIRS, "created"), {})
            assert content_of(restored) == THEIRS == content_of(filled)
            assert other.report("export", "-", stdin=opened.stdout)[0] == dict.fromkeys(THEIRS, "identical")

    def test_each_recipient_alone_can_read_it(self, filled, operator, recipients, keyring):
        for recipient in recipients:
            done = operator.run("export", recipient, "--path=top", "-o", "-")
            assert done.returncode == 0, done.stderr
            assert MARK.encode() not in done.stdout
            assert MARK.encode() in keyring("--decrypt", stdin=done.stdout).stdout
        both = operator.run("export", *recipients, "--path=top", "-o", "-").stdout
        listing = keyring("--list-packets", "--list-only", stdin=both).stdout
        assert listing.count(b":pubkey enc packet:") == 2

    def test_a_message_that_was_tampered_with_restores_nothing(self, filled, operator, recipients, keyring):
        message = bytearray(operator.run("export", *recipients, "--path=names", "-o", "-").stdout)
        message[-40] ^= 1
        opened = keyring("--decrypt", stdin=bytes(message)).stdout
        done = operator.run("import", "export", "-", "--into=restored", stdin=opened)
        assert (done.returncode, done.stdout) == (1, b"")
        assert secrets_of(filled).list("restored") == []

    def test_a_message_that_was_not_decrypted_is_told_so(self, filled, operator, recipients):
        message = operator.run("export", *recipients, "-o", "-").stdout
        done = operator.run("import", "export", "-", stdin=message)
        assert done.returncode == 1
        assert b"gpg -d" in done.stderr

    def test_a_file_that_is_there_stays_unless_forced(self, filled, operator, recipients):
        place = operator.directory / "backup.gpg"
        place.write_bytes(b"old")
        done = operator.run("export", *recipients, "-o", "backup.gpg")
        assert (done.returncode, place.read_bytes()) == (1, b"old")
        assert b"--force" in done.stderr
        assert operator.run("export", *recipients, "-o", "backup.gpg", "--force").returncode == 0
        assert place.stat().st_size > 2 * MEBIBYTE
        assert sorted(path.name for path in operator.directory.iterdir()) == ["ann", "backup.gpg", "bob"]

    def test_a_terminal_is_refused(self, filled, operator, recipients):
        leader, follower = pty.openpty()
        done = subprocess.run(
            [sys.executable, "-m", "holdfast.cli.holdfast", "export", *recipients, "-o", "-"],
            cwd=operator.directory,
            env=operator.environment,
            stdin=subprocess.DEVNULL,
            stdout=follower,
            stderr=subprocess.PIPE,
            timeout=LIMIT_SECONDS,
            check=False,
        )
        os.close(follower)
        os.close(leader)
        assert done.returncode == 1
        assert b"terminal" in done.stderr

    def test_one_secret_that_cannot_be_read_leaves_no_backup(self, filled, operator, recipients):
        rules = (
            'path "secret/metadata/*" { capabilities = ["list"] }\n'
            'path "secret/data/names/*" { capabilities = ["read"] }'
        )
        ask(filled, "PUT", "/v1/sys/policies/acl/some", {"policy": rules})
        token = ask(filled, "POST", "/v1/auth/token/create", {"policies": ["some"]}).json["auth"][
            "client_token"
        ]
        operator.environment["HOLDFAST_TOKEN"] = token
        done = operator.run("export", *recipients, "-o", "backup.gpg")
        assert done.returncode == 2
        assert b"team/keytab: " in done.stderr
        assert b"nothing was written" in done.stderr
        assert not (operator.directory / "backup.gpg").exists()
        assert operator.run("export", *recipients, "--path=names/", "-o", "backup.gpg").returncode == 0

    @pytest.mark.parametrize(
        ("words", "told"),
        [
            pytest.param(["-o", "x"], "--recipient", id="no-recipient"),
            pytest.param(["--recipient=ann"], "--output", id="no-output"),
            pytest.param(["--recipient=absent", "-o", "x"], "absent", id="no-such-key"),
            pytest.param(["--recipient=secret.key", "-o", "x"], "private key", id="private-key"),
            pytest.param(["--recipient=both", "-o", "x"], "exactly one", id="two-keys-in-a-file"),
            pytest.param(["--recipient=text", "-o", "x"], "OpenPGP public key", id="no-key"),
            pytest.param(["--recipient=ann", "-o", "absent/x"], "directory", id="no-directory"),
            pytest.param(
                ["--recipient=ann", "-o", "x", "--path=absent"], "nothing to export", id="nothing-there"
            ),
        ],
    )
    def test_what_cannot_be_done_is_told_and_writes_nothing(self, operator, recipients, keyring, words, told):
        operator.keep("text", b"no key")
        operator.keep("both", keyring("--export").stdout)
        operator.keep("secret.key", keyring("--export-secret-keys", "ann@example.org").stdout)
        done = operator.run("export", *words)
        assert (done.returncode, done.stdout) == (1, b"")
        assert told in done.stderr.decode()
        assert not (operator.directory / "x").exists()

    def test_nothing_of_a_secret_is_on_disk_in_clear(self, filled, operator, recipients):
        scratch = operator.directory / "scratch"
        scratch.mkdir()
        operator.environment["TMPDIR"] = str(scratch)
        assert operator.run("export", *recipients, "-o", "backup.gpg").returncode == 0
        assert [*scratch.iterdir()] == []
        for path in operator.directory.rglob("*"):
            assert not path.is_file() or MARK.encode() not in path.read_bytes()


def test_a_value_is_masked_in_text():
    assert MARK not in repr(DcosValue(MARK.encode(), is_text=True))
