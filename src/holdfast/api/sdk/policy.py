"""Service ``Policy``: rules for what new volumes may be."""

from holdfast.api.sdk.proto import policy_pb2  # noqa: F401 - the rows below are looked up in it
from holdfast.api.sdk.table import unserved

ROWS = (
    unserved("Policy", "Create", "POST storagepolicies"),
    unserved("Policy", "Update", "PUT storagepolicies"),
    unserved("Policy", "Enumerate", "GET storagepolicies"),
    unserved("Policy", "Inspect", "GET storagepolicies/inspect/{name}"),
    unserved("Policy", "Delete", "DELETE storagepolicies/{name}"),
    unserved("Policy", "SetDefault", "POST storagepolicies/default/{name}"),
    unserved("Policy", "DefaultInspect", "GET storagepolicies/default"),
    unserved("Policy", "Release", "POST storagepolicies/release"),
)
