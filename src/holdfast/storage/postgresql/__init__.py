"""Storage on a PostgreSQL server, for several nodes."""

from holdfast.storage.postgresql.engine import PostgresqlStorage
from holdfast.storage.postgresql.settings import Settings, read_settings

__all__ = ["PostgresqlStorage", "Settings", "read_settings"]
