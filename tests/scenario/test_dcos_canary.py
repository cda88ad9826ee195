"""Marked secrets, passwords, tokens and unseal keys of a DC/OS session are nowhere in what the store leaves.

Searched, as ``strings`` would and in hex and base64 too: the data files, the log, the audit file, arguments
and environment of every process. The memory of its processes is no such place: they leave no core when they
are killed, and nobody else of their user gets to look.
"""

import os
import resource
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from tests.support.dcos import BINARY, DcosClient
from tests.support.gpg import GpgHome
from tests.support.iam import SERVICE_KEY, grant, make_service
from tests.support.store_process import StoreProcess
from tests.support.store_talk import ask, eventually, is_whole, writer_and_workers
from tests.support.traces import found_in

pytestmark = pytest.mark.timeout(300)  # a pair of 4,096 bits is made

NOBODY = 65534
AS_NOBODY = [
    "setpriv",
    f"--reuid={NOBODY}",
    f"--regid={NOBODY}",
    "--clear-groups",
    "--bounding-set=-all,+dac_read_search",
    "--inh-caps=-all,+dac_read_search",
    "--ambient-caps=-all,+dac_read_search",
]
PASSWORD_COST = "argon2_memory = 19456\n  argon2_iterations = 2"
MAKING_SECONDS = 240.0  # a prime of 2048 bits is luck, and others compute here too
TEMPORARY = (Path("/dev/shm"), Path("/tmp"), Path("/run"))


class Session:
    """What was said to the store, and what it said, that must not be found again."""

    def __init__(self, store):
        self.store = store
        self.dcos = DcosClient(store)
        self.secrets = {}
        self.refusals = {}

    def mark(self, what):
        return self.keep(what, f"canary-{len(self.secrets)}-{os.urandom(8).hex()}")

    def keep(self, what, secret):
        name = f"{what} {len(self.secrets)}"
        self.secrets[name] = secret
        return secret

    def refused(self, answer):
        assert answer.status >= 400
        self.refusals[f"{answer.status} {len(self.refusals)}"] = answer
        return answer


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    directory = tmp_path_factory.mktemp("canary")
    keys = tmp_path_factory.mktemp("keys")
    password_file, key_file = keys / "password", keys / "seal.asc"
    password_file.write_text("canary-superuser-4be7d1\n")
    password_file.chmod(0o600)
    settings = (
        f'log_level = "debug"\nseal "gpg" {{\n  private_key = "file"\n  private_key_file = "{key_file}"\n}}\n'
        f'iam {{\n  {PASSWORD_COST}\n  superuser = "admin"\n'
        f'  superuser_password_file = "{password_file}"\n}}\n'
    )
    with (
        StoreProcess(directory, audit=True, tls=True, settings=settings) as store,
        GpgHome(keys / "gpg") as home,
    ):
        session = Session(store)
        session.keep("superuser's password", "canary-superuser-4be7d1")
        home.import_secret_key(key_file.read_bytes())
        keep_private_key(session, home.gpg("--dearmor", standard_input=key_file.read_bytes()))
        shown = DcosClient(store, "").api("GET", "init/default").json
        store.root_token = session.keep("root token", home.decrypt(shown["encrypted_root_token"]))
        unseal_key = session.keep("unseal key in hex", home.decrypt(shown["keys"][0]))
        session.keep("unseal key", bytes.fromhex(unseal_key))
        use_secrets(session)
        use_users(session)
        be_refused(session)
        seal_and_unseal(session, unseal_key)
        yield session


def keep_private_key(session, packets):
    """Keep pieces of the secret numbers, which follow the public ones in the first packet."""
    for start in range(600, 1700, 50):
        session.keep("private key of the seal", packets[start : start + 50])


def use_secrets(session):
    dcos = session.dcos
    for name in ("team/db", "top"):
        assert dcos.put(name, session.mark("text")) == 201
        assert dcos.secret("PATCH", name, {"value": session.mark("text")}).status == 204
    binary = session.keep("binary", os.urandom(400))
    assert dcos.secret("PUT", "team/keytab", binary, headers=BINARY).status == 201
    large = session.keep("middle of a large value", os.urandom(64))
    assert dcos.secret("PUT", "large", bytes(300_000) + large + bytes(300_000), headers=BINARY).status == 201
    pem = SERVICE_KEY.pem().reveal().decode()
    session.keep("key of a service account", pem.splitlines()[2])
    assert dcos.put("team/account", f'{{"uid":"svc","private_key":{pem!r}}}') == 201
    assert dcos.put("gone", session.mark("deleted text")) == 201
    assert dcos.secret("DELETE", "gone").status == 204
    for name in ("team/db", "team/keytab", "large", "team/account"):
        assert dcos.secret("GET", name, headers={}).status == 200


def use_users(session):
    dcos = session.dcos
    password = session.mark("password")
    assert dcos.acs("PUT", "users/ada", {"password": password, "description": "Ada"}).status == 201
    grant(dcos, "dcos:secrets:default:/team/*", "users/ada", "read")
    keep_token(session, log_in(session, "ada", password))
    changed = session.mark("new password")
    assert dcos.acs("PATCH", "users/ada", {"password": changed}).status == 204
    token = keep_token(session, log_in(session, "ada", changed))
    keep_token(session, log_in(session, "admin", "canary-superuser-4be7d1"))
    assert dcos.secret("GET", "team/db", token=token).status == 200
    cookie = {"Cookie": f"dcos-acs-auth-cookie={token}"}
    answer = ask(session.store, "GET", "/secrets/v1/secret/default/team/db", token="", headers=cookie)
    assert answer.status == 200
    make_service(dcos, "svc")
    assert dcos.acs("GET", "auth/logout", token=token).status == 200
    session.refused(dcos.secret("GET", "team/db", token=token))


def log_in(session, uid, password):
    return session.dcos.acs("POST", "auth/login", {"uid": uid, "password": password}, token="")


def keep_token(session, answer):
    assert answer.status == 200
    token = session.keep("token", answer.json["token"])
    session.keep("signature of a token", token.rpartition(".")[2])
    return token


def be_refused(session):
    """Put marks into every place of a request that is refused for something."""
    dcos, refused, mark = session.dcos, session.refused, session.mark
    refused(log_in(session, "ada", mark("wrong password")))
    refused(log_in(session, mark("password in the wrong place"), "x"))
    refused(dcos.acs("POST", "auth/login", {"uid": "svc", "token": mark("login token")}, token=""))
    refused(dcos.acs("POST", "auth/login", {"uid": "ada", "password": mark("p"), "exp": 0}, token=""))
    refused(dcos.acs("POST", "auth/login", f'{{"uid": "ada", "password": "{mark("p")}"', token=""))
    refused(dcos.acs("PUT", "users/ada", {"password": mark("password of somebody who is there")}))
    refused(dcos.acs("PUT", "users/bob", {"public_key": mark("no key")}))
    refused(dcos.acs("PUT", "users/bob", {"password": mark("p"), "unknown": mark("x")}))
    refused(dcos.secret("GET", "team/db", token=mark("token")))
    refused(dcos.secret("GET", "team/db", token=f"{mark('x')}.{mark('y')}.{mark('z')}"))
    refused(dcos.secret("PUT", "team/db", {"value": mark("text for a name that is taken")}))
    refused(dcos.secret("PUT", "bad", {"value": [mark("no text")]}))
    refused(dcos.secret("PUT", "bad", f'{{"value": "{mark("malformed")}'))
    refused(dcos.secret("PUT", "bad", f'{{"value": "{mark("twice")}", "value": "x"}}'))
    refused(dcos.secret("PUT", "bad", {"value": mark("form")}, headers={"Content-Type": "text/plain"}))
    refused(dcos.secret("PUT", "bad", {"value": mark("large") + "x" * (1 << 20)}))
    refused(dcos.api("PUT", "init/default", {"pgp_keys": [mark("no OpenPGP key")]}))
    refused(dcos.api("PUT", "auto-unseal/elsewhere", {"key": mark("key")}))


def seal_and_unseal(session, unseal_key):
    dcos = session.dcos
    assert dcos.api("PUT", "seal/default").status == 200
    session.refused(dcos.secret("PUT", "sealed", {"value": session.mark("text while sealed")}))
    session.refused(dcos.api("PUT", "unseal/default", {"key": session.mark("share")}))
    session.refused(dcos.api("PUT", "auto-unseal/default", {"key": session.mark("message")}))
    session.refused(log_in(session, "ada", session.mark("password while sealed")))
    assert dcos.api("PUT", "unseal/default", {"key": unseal_key}).json["sealed"] is False
    assert dcos.api("PUT", "seal/default").status == 200
    assert dcos.api("PUT", "auto-unseal/default").json["sealed"] is False
    store = session.store
    store.kill()
    store.start()
    eventually(lambda: dcos.value("team/db") != 503)


def test_nothing_is_in_the_data_files(session):
    files = [file for file in session.store.data_path.rglob("*") if file.is_file()]
    assert sum(file.stat().st_size for file in files) > 600_000
    for file in files:
        assert found_in(session.secrets, file.read_bytes()) == [], file.name


def test_nothing_is_in_the_log(session):
    log = session.store.log_path.read_bytes()
    assert b"unsealed" in log
    assert found_in(session.secrets, log) == []


def test_nothing_is_in_the_audit_file(session):
    audited = session.store.audit_path.read_bytes()
    assert audited.count(b"\n") > 50
    assert b"team/db" in audited
    assert found_in(session.secrets, audited) == []


def test_no_refusal_repeats_what_was_sent(session):
    assert len(session.refusals) > 20
    for asked, answer in session.refusals.items():
        assert found_in(session.secrets, answer.body + repr(answer.headers).encode()) == [], asked


def test_nothing_is_in_arguments_or_environment(session):
    for process_id in session.store.process_ids():
        for place in ("cmdline", "environ"):
            assert found_in(session.secrets, Path(f"/proc/{process_id}/{place}").read_bytes()) == []


def test_making_the_pair_left_nothing_in_temporary_places(session):
    found = [
        entry for place in TEMPORARY if place.is_dir() for entry in place.glob("holdfast-*/private-keys-v1.d")
    ]
    # Another store of this host may be making its pair at this moment, and takes what it made away, too.
    eventually(lambda: not any(entry.exists() for entry in found), seconds=MAKING_SECONDS)
    for process_id in session.store.process_ids():
        opened = []
        for link in Path(f"/proc/{process_id}/fd").iterdir():
            with suppress(FileNotFoundError):  # closed meanwhile
                opened.append(str(link.readlink()))
        assert not [name for name in opened if "(deleted)" in name and "memfd" not in name]


@pytest.fixture
def wants_cores(tmp_path):
    """A command that runs another with room for core dumps, in a directory where they would land."""
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    size = "unlimited" if most == resource.RLIM_INFINITY or os.geteuid() == 0 else str(most)
    place = tmp_path / "cores"
    place.mkdir()
    return place, ["env", f"--chdir={place}", "prlimit", f"--core={size}:{size}"]


def test_an_abort_leaves_no_core(wants_cores, tmp_path):
    """Of one process, whose end the kernel tells us about; the next test is about all of several."""
    place, launcher = wants_cores
    ordinary = subprocess.Popen([*launcher, "sleep", "60"])
    eventually(lambda: Path(f"/proc/{ordinary.pid}/comm").read_text() == "sleep\n")
    ordinary.send_signal(signal.SIGABRT)
    _, status = os.waitpid(ordinary.pid, 0)
    ordinary.returncode = -signal.SIGABRT
    assert os.WCOREDUMP(status)  # so that the next lines say something
    for core in place.iterdir():
        core.unlink()
    store = StoreProcess(tmp_path, launcher=launcher)
    text = store.config_path.read_text().replace("workers = 2\n", "")
    store.config_path.write_text('storage "inmem" {}\n' + text[text.index("listener ") :])
    with store:
        store.initialize(shares=1, threshold=1)
        assert DcosClient(store).put("a", "canary") == 201
        store.process.send_signal(signal.SIGABRT)
        _, status = os.waitpid(store.process.pid, 0)
        store.process.returncode = -signal.SIGABRT
    assert os.WTERMSIG(status) == signal.SIGABRT
    assert not os.WCOREDUMP(status)
    assert list(place.iterdir()) == []


def test_no_process_of_several_leaves_a_core(wants_cores, tmp_path):
    place, launcher = wants_cores
    with StoreProcess(tmp_path, launcher=launcher) as store:
        store.initialize(shares=1, threshold=1)
        assert DcosClient(store).put("a", "canary") == 201
        for process_id in store.process_ids():
            limits = Path(f"/proc/{process_id}/limits").read_text().splitlines()
            core = next(line for line in limits if line.startswith("Max core file size"))
            assert core.split()[4:6] == ["0", "0"], process_id
        writer, workers = writer_and_workers(store)
        for process_id in (workers[0], writer):
            os.kill(process_id, signal.SIGABRT)
            eventually(lambda: not Path(f"/proc/{process_id}").exists() and is_whole(store))  # noqa: B023
        assert list(place.iterdir()) == []


LOOK = """
import ctypes, sys
process_id = int(sys.argv[1])
try:
    open(f"/proc/{process_id}/mem", "rb").close()
    print("opened its memory")
except OSError:
    pass
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = (ctypes.c_long,) * 4
if libc.ptrace(16, process_id, 0, 0) == 0:  # PTRACE_ATTACH, which gcore and debuggers begin with
    print("attached")
"""


def test_nobody_of_its_user_gets_a_core_out_of_it(tmp_path):
    user = []
    if os.geteuid() == 0:
        os.chown(tmp_path, NOBODY, NOBODY)
        user = AS_NOBODY

    def look(process_id):
        command = [*user, sys.executable, "-c", LOOK, str(process_id)]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout

    ordinary = subprocess.Popen([*user, "sleep", "60"])
    try:
        eventually(lambda: Path(f"/proc/{ordinary.pid}/comm").read_text() == "sleep\n")
        assert look(ordinary.pid)  # so that the next lines say something
    finally:
        ordinary.kill()
        ordinary.wait()
    with StoreProcess(tmp_path, launcher=user) as store:
        store.initialize(shares=1, threshold=1)
        assert len(store.process_ids()) == 4
        for process_id in store.process_ids():
            assert look(process_id) == ""
