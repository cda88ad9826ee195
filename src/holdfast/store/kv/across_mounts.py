"""``sys/kv/...``: what is asked of all key-value mounts at once.

These paths are of this store alone. A live token is all that they take, since each of the secrets that they
touch is judged like a request for it.
"""

from holdfast.store.kv.bulk_read import bulk_read
from holdfast.store.kv.search import search_names
from holdfast.store.request import Operation
from holdfast.store.route import Route

KV_ROUTES = (
    Route("sys/kv/bulk-read", Operation.WRITE, bulk_read, any_token=True),
    Route("sys/kv/search", Operation.WRITE, search_names, any_token=True),
)
