"""Every name that a rule of a role can sensibly have: the OpenStorage SDK's, and this node's own.

A role file is one file for many clusters, so services count that this node does not serve.
"""

from collections.abc import Mapping

from holdfast.node import apis
from holdfast.node.api import SCOPED_SERVICES
from holdfast.policy.role_scope import About, Unknown

# OpenStorage SDK 0.186: what of it this node does not serve is known all the same.
_SDK = {
    "identity": "capabilities version",
    "cluster": "inspectcurrent",
    "node": (
        "inspect inspectcurrent enumerate enumeratewithfilters volumeusagebynode volumebytesusedbynode"
        " drainattachments cordonattachments uncordonattachments relaxedreclaimpurge"
    ),
    "volume": (
        "create clone update delete inspect inspectwithfilters enumerate enumeratewithfilters stats"
        " capacityusage volumecatalog snapshotcreate snapshotenumerate snapshotrestore"
        " snapshotenumeratewithfilters snapshotscheduleupdate"
    ),
    "mountattach": "attach detach mount unmount",
    "credentials": "create enumerate update delete inspect validate deletereferences",
    "role": "create update enumerate inspect delete",
    "policy": "create update enumerate inspect delete setdefault defaultinspect release",
    "schedulepolicy": "create update enumerate inspect delete",
    "clusterpair": "create enumerate inspect gettoken resettoken delete",
    "clusterdomains": "enumerate inspect activate deactivate",
    "cloudbackup": (
        "create groupcreate restore delete deleteall enumeratewithfilters status catalog history"
        " statechange schedcreate schedupdate schedenumerate scheddelete size"
    ),
    "migrate": "start status cancel",
    "objectstore": "create inspect update delete",
    "alerts": "enumeratewithfilters delete",
    "watch": "watch",
    "pool": (
        "resize rebalance updaterebalancejobstate getrebalancejobstatus enumeraterebalancejobs"
        " createrebalanceschedule getrebalanceschedule deleterebalanceschedule"
    ),
    "job": "update getstatus enumerate",
    "schedule": "inspect delete enumerate",
    "filesystemtrim": "start stop status autofstrimstatus autofstrimusage autofstrimpush autofstrimpop",
    "filesystemcheck": "start stop deletesnapshots status listsnapshots listvolumes",
    "filesystemdefrag": "createschedule getnodestatus enumeratenodestatus cleanupschedules",
    "verifychecksum": "start stop status",
    "diags": "collect",
    "bucket": "create delete grantaccess revokeaccess",
}


def known_apis() -> dict[str, frozenset[str]]:
    """Return the APIs of every service that is known, all in lower case."""
    known = {service: set(methods.split()) for service, methods in _SDK.items()}
    for api in apis.ALL:
        known.setdefault(api.service.lower(), set()).add(api.method.lower())
    return {service: frozenset(methods) for service, methods in known.items()}


def about(service: str, labels: Mapping[str, str] | None) -> About:
    """Return what is known of what a call is about.

    Args:
        service: in lower case.
        labels: of the volume; ``None`` if no volume was named.
    """
    if service not in SCOPED_SERVICES:
        return Unknown.NOTHING
    return Unknown.YET if labels is None else labels
