"""All rows of the table, by service."""

from holdfast.api.sdk.services import (
    cloudbackup,
    cluster,
    clusterpair,
    credentials,
    files,
    identity,
    mountattach,
    node,
    policy,
    role,
    schedulepolicy,
    secrets,
    secrets_provider,
    snapshot_plans,
    snapshots,
    token,
    volume,
    volume_keys,
    watch,
)
from holdfast.api.sdk.table import PACKAGE, PREFIX, Row

ROWS: tuple[Row, ...] = (
    *identity.ROWS,
    *cluster.ROWS,
    *node.ROWS,
    *volume.ROWS,
    *volume_keys.ROWS,
    *snapshots.ROWS,
    *files.ROWS,
    *snapshot_plans.ROWS,
    *mountattach.ROWS,
    *credentials.ROWS,
    *cloudbackup.ROWS,
    *role.ROWS,
    *policy.ROWS,
    *schedulepolicy.ROWS,
    *clusterpair.ROWS,
    *secrets.ROWS,
    *secrets_provider.ROWS,
    *token.ROWS,
    *watch.ROWS,
)

SERVICE_NAMES = tuple(sorted({f"{PACKAGE}.{PREFIX}{row.api.service}" for row in ROWS}))
