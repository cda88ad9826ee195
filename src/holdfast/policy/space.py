"""The space rule of DC/OS: which service may use which secret, told from their two names alone.

A secret's space is its path without the last segment. A service may use a secret if the space is empty,
or if the service's id begins with the space, segment by segment::

    secret                  space                service                   may use it
    pw                      (empty)              /any/service              yes
    group/pw                group                /group/hdfs/svc           yes
    hdfs/pw                 hdfs                 /hdfs                     yes, the id itself counts
    group/hdfs/pw           group/hdfs           /group/spark/svc          no
    team/pw                 team                 /team-two/svc             no, segments are compared whole

The rule narrows what a token may read and never widens it; whoever may start a service in a group can
read that group's secrets. Both names are canonical paths (``parse_path``), so a ``..`` never gets here.
"""

from holdfast.model import Path
from holdfast.policy.decision import Allowed, Decision, Denied


def decide_space(secret: Path, service: Path) -> Decision:
    """Decide whether a service may use a secret.

    Args:
        secret: path of the secret in its store, without the store's or mount's name.
        service: id of the service.
    """
    if secret.is_directory:
        return Denied("the secret's name is missing")
    if not service.segments:
        return Denied("the service has no id")
    space = secret.segments[:-1]
    if not space:
        return Allowed("secret outside every space")
    if service.segments[: len(space)] == space:
        return Allowed(f"space {'/'.join(space)}")
    return Denied(f"the secret belongs to the space /{'/'.join(space)}, the service is /{service.text}")
