"""A workload's mount, policies, tokens and secrets: put into a server through its API, and taken out.

Works on every server of the Vault API. What is made carries the mount's name, so that nothing of a server
that is used for other things too is touched.
"""

import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from bench.workload import TEAMS, Workload
from holdfast.errors import HoldfastError, NotFoundError

Call = Callable[[str, str, Mapping[str, Any] | None], dict[str, Any]]
"""``(method, path without /v1/, body) -> answer``, as an administrator; raises ``HoldfastError``."""

TOKEN_TTL = "2h"
LOGIN_TTL = "20m"
_PARALLEL_WRITES = 8


def populate(call: Call, load: Workload, *, parallel: int = _PARALLEL_WRITES) -> list[str]:
    """Make everything; return the tokens in their order."""
    call("POST", f"sys/mounts/{load.mount}", {"type": "kv", "options": {"version": "2"}})
    for name, text in load.policies().items():
        call("POST", f"sys/policies/acl/{name}", {"policy": text})
    tokens = [_token(call, load.policy_of_token(number)) for number in range(load.tokens)]

    def write(secret: int) -> None:
        call("POST", load.path(secret), load.body(secret))

    with ThreadPoolExecutor(parallel) as pool:
        for _ in pool.map(write, range(load.secrets), chunksize=100):
            pass
    return tokens


def populate_machines(call: Call, load: Workload) -> list[dict[str, str]]:
    """Make roles and a secret id for each machine; return what each of them sends to log in."""
    call("POST", f"sys/auth/{load.mount}", {"type": "approle"})
    role_ids = []
    for team in range(TEAMS):
        role = f"auth/{load.mount}/role/{load.role(team)}"
        settings = {"token_type": "batch", "token_policies": [load.policy_of_token(team)]}
        call("POST", role, {**settings, "token_ttl": LOGIN_TTL})
        role_ids.append(call("GET", f"{role}/role-id", None)["data"]["role_id"])
    return [
        {
            "role_id": role_ids[machine % TEAMS],
            "secret_id": call("POST", f"auth/{load.mount}/role/{load.role(machine)}/secret-id", {})["data"][
                "secret_id"
            ],
        }
        for machine in range(load.tokens)
    ]


def remove(call: Call, load: Workload, tokens: list[str]) -> None:
    """Take away as much of it as is there, and say what would not go."""
    for token in tokens:
        _try(call, "POST", "auth/token/revoke", {"token": token})
    for name in load.policies():
        _try(call, "DELETE", f"sys/policies/acl/{name}")
    _try(call, "DELETE", f"sys/auth/{load.mount}")
    _try(call, "DELETE", f"sys/mounts/{load.mount}")


def _try(call: Call, method: str, path: str, body: Mapping[str, Any] | None = None) -> None:
    try:
        call(method, path, body)
    except NotFoundError:
        return
    except HoldfastError as error:
        sys.stderr.write(f"bench: {method} {path}: {error.message}\n")


def _token(call: Call, policy: str) -> str:
    token: str = call("POST", "auth/token/create", {"policies": [policy], "ttl": TOKEN_TTL})["auth"][
        "client_token"
    ]
    return token
