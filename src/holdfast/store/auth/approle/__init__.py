"""``approle``: programs that hold a role id and a secret id, each of which can come to them another way.

    role/<name>                      what its logins get
    role-id/<hash>                   -> name of the role
    secret/<name>/<hash>             one secret id
    accessor/<name>/<hash>           -> hash of the secret id
    expiry/<seconds>/<name>/<hash>   marks when a secret id ends, so that tidying reads only what is due

Hashes are those of tokens (``TokenHasher``), so that nobody who reads the storage learns a role id or a
secret id. A login writes nothing, unless the uses of its secret id are counted. Ids of our own making
cannot be guessed; a role for which somebody chose a secret id is guarded against guessing like a password.
"""

from holdfast.store.auth.approle.login import log_in
from holdfast.store.auth.approle.role_routes import ROLE_ROUTES
from holdfast.store.auth.approle.secret_id_routes import SECRET_ID_ROUTES
from holdfast.store.auth.issue import FOR_MACHINES
from holdfast.store.auth.method import Method

APPROLE = Method((*ROLE_ROUTES, *SECRET_ID_ROUTES), log_in, FOR_MACHINES, shown=frozenset())

__all__ = ["APPROLE"]
