"""What is asked, the same of every server that is compared: secrets, who may read them, requests.

Twenty teams share one KV v2 mount; each has a policy for its own directory. A token has its team's policy
and ``default``, like nearly every token there is, and each secret is always asked for with the same one.
Machines log in with a role id of their team and a secret id of their own, and get batch tokens.
"""

import hashlib
from dataclasses import dataclass

TEAMS = 20

# What common clients send beside the token: with ``X-Vault-Token``, seven headers.
CLIENT_HEADERS = {
    "Host": "localhost",
    "User-Agent": "bench/1",
    "Accept": "*/*",
    "Accept-Encoding": "gzip, deflate",
    "Connection": "keep-alive",
    "X-Vault-Request": "true",
}


@dataclass(frozen=True)
class Workload:
    """One load.

    Attributes:
        mount: path of the KV v2 mount, without slashes.
        secrets: how many secrets there are.
        tokens: how many tokens ask for them; a multiple of ``TEAMS``. There are as many machines that log in.
    """

    mount: str = "bench"
    secrets: int = 10_000
    tokens: int = 200

    def policies(self) -> dict[str, str]:
        """Return the policy of each team by its name."""
        rule = 'path "{}/data/{}/*" {{ capabilities = ["create", "read", "update"] }}'
        return {f"{self.mount}-{team}": rule.format(self.mount, team) for team in map(_team, range(TEAMS))}

    def policy_of_token(self, token: int) -> str:
        """Return which policy a token has beside ``default``."""
        return f"{self.mount}-{_team(token)}"

    def path(self, secret: int) -> str:
        """Return the API path of a secret, without ``/v1/``."""
        return f"{self.mount}/data/{self.name(secret)}"

    def name(self, secret: int) -> str:
        """Return the path of a secret below the mount."""
        return f"{_team(secret)}/service-{secret // TEAMS:05d}/credentials"

    def token_of(self, secret: int) -> int:
        """Return the number of the token that asks for a secret: one of its team's."""
        turn = secret // TEAMS % (self.tokens // TEAMS)
        return turn * TEAMS + secret % TEAMS

    @property
    def login_path(self) -> str:
        """The API path at which machines log in, without ``/v1/``."""
        return f"auth/{self.mount}/login"

    def role(self, machine: int) -> str:
        """Return the role of a machine: its team's."""
        return _team(machine)

    def body(self, secret: int) -> dict[str, dict[str, str]]:
        """Return what is written; a reader's answer then has about 400 bytes."""
        digest = hashlib.sha256(str(secret).encode()).hexdigest()
        return {"data": {"username": f"service-{secret // TEAMS:05d}", "password": digest[:40]}}


def request_text(method: str, path: str, token: str = "", body: str = "") -> str:
    """Return one request as it goes over the wire; ``path`` is without ``/v1/``."""
    headers = dict(CLIENT_HEADERS)
    if token:
        headers["X-Vault-Token"] = token
    if body:
        headers |= {"Content-Type": "application/json", "Content-Length": str(len(body.encode()))}
    lines = [f"{method} /v1/{path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join(lines) + "\r\n\r\n" + body


def _team(number: int) -> str:
    return f"team-{number % TEAMS:02d}"
