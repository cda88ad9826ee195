"""``kubernetes``: pods, by the token of their service account.

    config               the cluster, and how its tokens are checked
    role/<name>          which service accounts, and what they get

A token is checked by asking the cluster (TokenReview), which also knows of pods and accounts that are gone;
or, with ``local_verification``, by the cluster's own published keys and without asking anybody. A login
writes nothing.
"""

from holdfast.store.auth.issue import FOR_MACHINES
from holdfast.store.auth.kubernetes.config import CONFIG_ROUTES
from holdfast.store.auth.kubernetes.login import log_in
from holdfast.store.auth.kubernetes.roles import ROLE_ROUTES
from holdfast.store.auth.method import Method

KUBERNETES = Method((*CONFIG_ROUTES, *ROLE_ROUTES), log_in, FOR_MACHINES)

__all__ = ["KUBERNETES"]
