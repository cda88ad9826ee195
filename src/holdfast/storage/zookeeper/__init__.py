"""Storage on a ZooKeeper ensemble, for several nodes."""

from holdfast.storage.zookeeper.engine import ZookeeperStorage
from holdfast.storage.zookeeper.settings import Settings, read_settings

__all__ = ["Settings", "ZookeeperStorage", "read_settings"]
