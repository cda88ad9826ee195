"""What the store says of users, groups and permissions, as the IAM API shows it: with the address of each."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

BASE = "/acs/api/v1"

Render = Callable[[Any, tuple[str, ...]], Any]
"""Takes the store's facts and the segments of the request's path; returns the body of the answer."""


def users(facts: Any, _path: tuple[str, ...]) -> Any:
    """Show a list of users."""
    return {"array": [_user(fact) for fact in facts]}


def user(facts: Any, _path: tuple[str, ...]) -> Any:
    """Show one user."""
    return _user(facts)


def groups_of_user(facts: Any, path: tuple[str, ...]) -> Any:
    """Show the groups that a user is in."""
    uid = path[1]
    return {
        "array": [{"membershipurl": _membership(fact["gid"], uid), "group": _group(fact)} for fact in facts]
    }


def permissions_of_user(facts: Any, path: tuple[str, ...]) -> Any:
    """Show what a user was granted, and by way of which groups."""
    uid = path[1]
    return {
        "direct": [_permission(fact, "users", uid) for fact in facts["direct"]],
        "groups": [
            {
                "gid": fact["gid"],
                "membershipurl": _membership(fact["gid"], uid),
                **_permission(fact, "groups", fact["gid"]),
            }
            for fact in facts["groups"]
        ],
    }


def groups(facts: Any, _path: tuple[str, ...]) -> Any:
    """Show a list of groups."""
    return {"array": [_group(fact) for fact in facts]}


def group(facts: Any, _path: tuple[str, ...]) -> Any:
    """Show one group."""
    return _group(facts)


def members_of_group(facts: Any, path: tuple[str, ...]) -> Any:
    """Show who is in a group."""
    gid = path[1]
    return {
        "array": [{"membershipurl": _membership(gid, fact["uid"]), "user": _user(fact)} for fact in facts]
    }


def permissions_of_group(facts: Any, path: tuple[str, ...]) -> Any:
    """Show what a group was granted."""
    return {"array": [_permission(fact, "groups", path[1]) for fact in facts]}


def acls(facts: Any, _path: tuple[str, ...]) -> Any:
    """Show a list of resources."""
    return {"array": [_acl(fact) for fact in facts]}


def acl(facts: Any, _path: tuple[str, ...]) -> Any:
    """Show one resource."""
    return _acl(facts)


def permissions_on_acl(facts: Any, path: tuple[str, ...]) -> Any:
    """Show to whom a resource was granted."""
    rid = path[1]
    return {
        "users": [
            {
                "uid": fact["uid"],
                "userurl": _url("users", fact["uid"]),
                "actions": _actions(fact["actions"], rid, "users", fact["uid"]),
            }
            for fact in facts["users"]
        ],
        "groups": [
            {
                "gid": fact["gid"],
                "groupurl": _url("groups", fact["gid"]),
                "actions": _actions(fact["actions"], rid, "groups", fact["gid"]),
            }
            for fact in facts["groups"]
        ],
    }


def as_it_is(facts: Any, _path: tuple[str, ...]) -> Any:
    """Show the facts themselves."""
    return facts


def _user(fact: dict[str, Any]) -> dict[str, Any]:
    return {
        "uid": fact["uid"],
        "url": _url("users", fact["uid"]),
        "description": fact["description"],
        "is_remote": False,
        "is_service": fact["is_service"],
        "provider_type": "internal",
        "provider_id": "",
        **({"public_key": fact["public_key"]} if fact["is_service"] else {}),
    }


def _group(fact: dict[str, Any]) -> dict[str, Any]:
    return {
        "gid": fact["gid"],
        "url": _url("groups", fact["gid"]),
        "description": fact["description"],
        "provider_type": "internal",
        "provider_id": "",
    }


def _acl(fact: dict[str, Any]) -> dict[str, Any]:
    return {"rid": fact["rid"], "url": _url("acls", fact["rid"]), "description": fact["description"]}


def _permission(fact: dict[str, Any], subject: str, name: str) -> dict[str, Any]:
    rid = fact["rid"]
    return {
        "rid": rid,
        "description": fact["description"],
        "aclurl": _url("acls", rid),
        "actions": _actions(fact["actions"], rid, subject, name),
    }


def _actions(words: list[str], rid: str, subject: str, name: str) -> list[dict[str, str]]:
    return [{"name": word, "url": _url("acls", rid, subject, name, word)} for word in words]


def _membership(gid: str, uid: str) -> str:
    return _url("groups", gid, "users", uid)


def _url(*segments: str) -> str:
    """Return an address as clients send it back: slashes inside a segment encoded twice."""
    return "/".join([BASE, *(quote(segment.replace("/", "%2F"), safe=":*@") for segment in segments)])
