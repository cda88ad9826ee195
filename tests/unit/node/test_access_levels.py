"""What each API needs of the resource it is about, and which default roles allow it: all have their row."""

import pytest
from tests.support.role_table import reference, written
from tests.support.sdk_services import SDK_SERVICES

from holdfast.node import apis
from holdfast.policy.default_roles import GUEST_ENABLED, SYSTEM_ADMIN, SYSTEM_USER, SYSTEM_VIEW
from holdfast.policy.ownership import AccessType
from holdfast.policy.roles import decide_one

R, W, A = AccessType.READ, AccessType.WRITE, AccessType.ADMIN
BY_ROLE_ALONE = None
SEEN_IF_READABLE = None  # a list, which leaves out what its reader may not see

# Of the SDK: what its own server asks for.
OF_THE_SDK = {
    "volume.create": BY_ROLE_ALONE,  # Admin on a volume that has the name already: see test_known_holes
    "volume.clone": R,
    "volume.inspect": R,
    "volume.inspectwithfilters": SEEN_IF_READABLE,
    "volume.stats": R,
    "volume.capacityusage": R,
    "volume.volumecatalog": R,  # for which its own server asks nothing
    "volume.enumerate": SEEN_IF_READABLE,
    "volume.enumeratewithfilters": SEEN_IF_READABLE,
    "volume.update": W,
    "volume.delete": A,
    "volume.snapshotcreate": R,
    "volume.snapshotrestore": W,  # and Read on the snapshot, which its own server forgets
    "volume.snapshotenumerate": R,
    "volume.snapshotenumeratewithfilters": R,
    "mountattach.attach": W,
    "mountattach.mount": W,
    "mountattach.detach": W,
    "mountattach.unmount": W,
    "credentials.create": BY_ROLE_ALONE,
    "credentials.inspect": R,
    "credentials.validate": R,
    "credentials.deletereferences": R,
    "credentials.enumerate": SEEN_IF_READABLE,
    "credentials.update": A,
    "credentials.delete": A,
    "cloudbackup.create": R,
    "cloudbackup.restore": R,  # of the backup, too, where its own server asks for the credential alone
    "cloudbackup.size": R,  # for which it asks nothing
    "cloudbackup.enumeratewithfilters": R,
    "cloudbackup.status": SEEN_IF_READABLE,
    "cloudbackup.history": SEEN_IF_READABLE,
    "cloudbackup.statechange": W,
    "cloudbackup.delete": A,  # likewise
    "cloudbackup.deleteall": A,
    "policy.create": BY_ROLE_ALONE,
    "policy.inspect": R,
    "policy.enumerate": SEEN_IF_READABLE,
    "policy.update": W,
    "policy.delete": A,
    "policy.setdefault": BY_ROLE_ALONE,  # and group *, as in the SDK
    "policy.release": BY_ROLE_ALONE,  # likewise
    "policy.defaultinspect": BY_ROLE_ALONE,
    "volume.snapshotscheduleupdate": W,
    # For policies of schedules its own server asks for the role alone. Here they belong to somebody.
    "schedulepolicy.create": BY_ROLE_ALONE,
    "schedulepolicy.inspect": R,
    "schedulepolicy.enumerate": SEEN_IF_READABLE,
    "schedulepolicy.update": W,
    "schedulepolicy.delete": A,
    "watch.watch": SEEN_IF_READABLE,
    **{
        f"{service}.{method.lower()}": BY_ROLE_ALONE
        for service in ("identity", "cluster", "node", "role", "clusterpair")
        for method in SDK_SERVICES[service]
    },
}

# Our own, with the default roles that allow it beside system.admin: v for view, u for user, g for guests.
OUR_OWN = {
    "volume.accessupdate": (A, "ug"),
    "volume.rotatekey": (A, "ug"),
    "volume.keydoctor": (R, "ug"),
    "volume.reencrypt": (A, "ug"),
    "volume.reencryptionstatus": (R, "ug"),
    "volume.addrecoverykey": (A, "ug"),
    "volume.removerecoverykey": (A, "ug"),
    "volume.recoverkey": (A, "ug"),
    "mountattach.format": (W, "ug"),
    "mountattach.importtree": (W, "ug"),
    "mountattach.exporttree": (W, "ug"),
    "credentials.accessupdate": (A, "u"),
    "cloudbackup.verify": (R, "ug"),
    "policy.accessupdate": (A, ""),
    "schedulepolicy.accessupdate": (A, "u"),
    "volume.snapshotscheduleinspect": (R, "ug"),
    "secrets.setclusterkey": (BY_ROLE_ALONE, ""),
    "secrets.inspectclusterkey": (BY_ROLE_ALONE, "v"),
    "secrets.rotateclusterkey": (BY_ROLE_ALONE, ""),
    "secrets.movekeys": (BY_ROLE_ALONE, ""),
    "secrets.rotationstatus": (BY_ROLE_ALONE, ""),
    "secrets.status": (BY_ROLE_ALONE, "v"),
    "secrets.validate": (BY_ROLE_ALONE, "v"),
    "secrets.login": (BY_ROLE_ALONE, ""),
    "secrets.generate": (BY_ROLE_ALONE, ""),
    "secrets.enumerate": (BY_ROLE_ALONE, "v"),
    "secrets.scopeupdate": (BY_ROLE_ALONE, ""),
    "secrets.scopeenumerate": (BY_ROLE_ALONE, "v"),
    "secrets.scopedelete": (BY_ROLE_ALONE, ""),
    "role.test": (BY_ROLE_ALONE, ""),
    "identity.whoami": (BY_ROLE_ALONE, "vu"),
    "identity.describe": (BY_ROLE_ALONE, "vu"),
    "metrics.status": (BY_ROLE_ALONE, "v"),
    "node.remove": (BY_ROLE_ALONE, ""),
    "clusterpair.accept": (BY_ROLE_ALONE, ""),  # whoever has what the cluster showed
    "token.renew": (BY_ROLE_ALONE, ""),  # every bearer, about his own token
    "token.revoke": (BY_ROLE_ALONE, ""),  # likewise
    "token.revokeothers": (BY_ROLE_ALONE, ""),
    "token.enumeraterevocations": (BY_ROLE_ALONE, "v"),
    "serverreflection.serverreflectioninfo": (BY_ROLE_ALONE, ""),
}
SERVED = {str(api): api for api in apis.ALL}
LETTERS = {"v": SYSTEM_VIEW, "u": SYSTEM_USER, "g": GUEST_ENABLED}


@pytest.mark.parametrize("name", sorted(SERVED.keys() & OF_THE_SDK.keys()))
def test_an_api_of_the_sdk_needs_what_its_own_server_asks_for(name):
    assert SERVED[name].access == OF_THE_SDK[name]


@pytest.mark.parametrize("name", sorted(SERVED.keys() & OUR_OWN.keys()))
def test_an_api_of_our_own_needs_what_its_row_says_and_is_in_the_roles_of_its_row(name):
    access, roles = OUR_OWN[name]
    api = SERVED[name]
    assert api.access == access
    assert decide_one(SYSTEM_ADMIN, api.service, api.method)
    allowed = {letter for letter, role in LETTERS.items() if decide_one(role, api.service, api.method)}
    assert allowed == set(roles)


def test_every_api_has_its_row():
    rows = OF_THE_SDK | OUR_OWN
    assert sorted(SERVED.keys() - rows.keys()) == []


def test_the_page_says_what_the_default_roles_allow():
    assert written() == reference(), "write it anew: .venv/bin/python -m tests.support.role_table"


def test_only_lists_and_calls_about_no_resource_state_no_access():
    stating_none = {name for name, api in SERVED.items() if api.access is None}
    assert not {name for name in stating_none if name.startswith("mountattach.")}
    assert stating_none & {name for name in SERVED if name.startswith("volume.")} == {
        "volume.create",
        "volume.enumerate",
        "volume.enumeratewithfilters",
        "volume.inspectwithfilters",
    }
