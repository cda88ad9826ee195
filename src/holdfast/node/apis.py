"""Every API that this node has. Roles name services and methods in lower case."""

from holdfast.node.api import Api
from holdfast.policy.ownership import AccessType

VOLUME_CREATE = Api("Volume", "Create")
VOLUME_INSPECT = Api("Volume", "Inspect", AccessType.READ)
VOLUME_ENUMERATE = Api("Volume", "Enumerate")
VOLUME_INSPECT_WITH_FILTERS = Api("Volume", "InspectWithFilters")
VOLUME_UPDATE = Api("Volume", "Update", AccessType.WRITE)
VOLUME_ACCESS_UPDATE = Api("Volume", "AccessUpdate", AccessType.ADMIN)
VOLUME_DELETE = Api("Volume", "Delete", AccessType.ADMIN)
VOLUME_KEY_DOCTOR = Api("Volume", "KeyDoctor", AccessType.READ)
VOLUME_ADD_RECOVERY_KEY = Api("Volume", "AddRecoveryKey", AccessType.ADMIN)
VOLUME_REMOVE_RECOVERY_KEY = Api("Volume", "RemoveRecoveryKey", AccessType.ADMIN)
VOLUME_RECOVER_KEY = Api("Volume", "RecoverKey", AccessType.ADMIN)
VOLUME_ROTATE_KEY = Api("Volume", "RotateKey", AccessType.ADMIN)

ATTACH = Api("MountAttach", "Attach", AccessType.WRITE)
DETACH = Api("MountAttach", "Detach", AccessType.WRITE)
FORMAT = Api("MountAttach", "Format", AccessType.WRITE)
MOUNT = Api("MountAttach", "Mount", AccessType.WRITE)
UNMOUNT = Api("MountAttach", "Unmount", AccessType.WRITE)
IMPORT_TREE = Api("MountAttach", "ImportTree", AccessType.WRITE)
EXPORT_TREE = Api("MountAttach", "ExportTree", AccessType.WRITE)

SET_CLUSTER_KEY = Api("Secrets", "SetClusterKey")
INSPECT_CLUSTER_KEY = Api("Secrets", "InspectClusterKey")
ROTATE_CLUSTER_KEY = Api("Secrets", "RotateClusterKey")
ROTATION_STATUS = Api("Secrets", "RotationStatus")
SECRETS_STATUS = Api("Secrets", "Status")
SECRETS_VALIDATE = Api("Secrets", "Validate")

ROLE_CREATE = Api("Role", "Create")
ROLE_UPDATE = Api("Role", "Update")
ROLE_INSPECT = Api("Role", "Inspect")
ROLE_ENUMERATE = Api("Role", "Enumerate")
ROLE_DELETE = Api("Role", "Delete")

CREDENTIALS_CREATE = Api("Credentials", "Create")
CREDENTIALS_UPDATE = Api("Credentials", "Update", AccessType.ADMIN)
CREDENTIALS_ACCESS_UPDATE = Api("Credentials", "AccessUpdate", AccessType.ADMIN)
CREDENTIALS_ENUMERATE = Api("Credentials", "Enumerate")
CREDENTIALS_INSPECT = Api("Credentials", "Inspect", AccessType.READ)
CREDENTIALS_VALIDATE = Api("Credentials", "Validate", AccessType.READ)
CREDENTIALS_DELETE = Api("Credentials", "Delete", AccessType.ADMIN)
CREDENTIALS_DELETE_REFERENCES = Api("Credentials", "DeleteReferences", AccessType.READ)

IDENTITY_VERSION = Api("Identity", "Version")
IDENTITY_CAPABILITIES = Api("Identity", "Capabilities")
IDENTITY_WHO_AM_I = Api("Identity", "WhoAmI")
CLUSTER_INSPECT = Api("Cluster", "InspectCurrent")
NODE_INSPECT = Api("Node", "InspectCurrent")
NODE_INSPECT_ONE = Api("Node", "Inspect")
NODE_ENUMERATE = Api("Node", "Enumerate")
NODE_ENUMERATE_WITH_FILTERS = Api("Node", "EnumerateWithFilters")
NODE_REMOVE = Api("Node", "Remove")

WATCH = Api("Watch", "Watch")
REFLECTION = Api("ServerReflection", "ServerReflectionInfo", prefix="grpc.reflection.v1.")

ALL = tuple(value for value in globals().values() if isinstance(value, Api))
