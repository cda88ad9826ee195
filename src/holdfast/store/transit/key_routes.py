"""Keys of a transit mount: making, reading, changing them, and taking them away where they allow it."""

from holdfast.engines.transit import backup, records
from holdfast.engines.transit.changes import KeyChange, check_new_key
from holdfast.engines.transit.export import Exported, Form, check_exportable, export
from holdfast.engines.transit.key_types import DEFAULT_KEY_TYPE, key_type
from holdfast.engines.transit.material import generate, is_slow
from holdfast.engines.transit.records import Key, load_config, load_key
from holdfast.engines.transit.versioned import decode_base64
from holdfast.errors import InvalidInputError
from holdfast.formats.strict_json import encode
from holdfast.store import fields
from holdfast.store.command import Command
from holdfast.store.mount_visit import MountVisit
from holdfast.store.request import Answer
from holdfast.store.route import Deferred
from holdfast.store.transit.batch import Outcome, Versions
from holdfast.store.transit.commands import (
    ALREADY_THERE,
    BackUpKey,
    ConfigureKey,
    ConfigureKeys,
    CreateKey,
    DeleteKey,
    RestoreKey,
    RotateKey,
    TrimKey,
    described,
    require_key,
)
from holdfast.store.transit.values import check_name, given, number_in, one_of

MAX_LISTED = 100_000


def list_keys(visit: MountVisit) -> Answer:
    limit = fields.integer(dict(visit.request.query), "limit") or MAX_LISTED
    after = visit.request.parameter("after") or ""
    names = records.list_keys(visit.view, after=after, limit=min(limit, MAX_LISTED))
    return Answer(data=encode({"keys": names})) if names else Answer(missing=True)


def read_key(visit: MountVisit, name: str) -> Answer:
    context = decode_base64(visit.request.parameter("context") or "", "failed to base64-decode context")
    with visit.snapshot() as view:
        if load_key(view, name) is None:
            return Answer(missing=True)
        return described(view, name, context=context)


def create_key(visit: MountVisit, name: str) -> Outcome:
    values = visit.body.values
    key = Key(
        type_name=key_type(fields.text(values, "type", DEFAULT_KEY_TYPE)).name,
        latest_version=0,
        derived=fields.boolean(values, "derived"),
        convergent=fields.boolean(values, "convergent_encryption"),
        exportable=fields.boolean(values, "exportable"),
        allow_plaintext_backup=fields.boolean(values, "allow_plaintext_backup"),
        auto_rotate_seconds=fields.seconds(values, "auto_rotate_period"),
        key_bytes=fields.integer(values, "key_size"),
    )
    check_new_key(key)
    check_name(name)
    with visit.snapshot() as view:
        if load_key(view, name) is not None:
            return described(view, name, warning=ALREADY_THERE)

    def make() -> Command:
        material = generate(key.type, key_bytes=key.key_bytes)
        return CreateKey(mount=visit.mount.uuid, name=name, key=key, material=material)

    return Deferred(make) if is_slow(key.type) else make()


def delete_key(visit: MountVisit, name: str) -> Command:
    return DeleteKey(mount=visit.mount.uuid, name=name)


def rotate_key(visit: MountVisit, name: str) -> Outcome:
    key = require_key(visit.view, name, "key not found")

    def make() -> Command:
        material = generate(key.type, key_bytes=key.key_bytes)
        return RotateKey(mount=visit.mount.uuid, name=name, made_for=key, material=material)

    return Deferred(make) if is_slow(key.type) else make()


def configure_key(visit: MountVisit, name: str) -> Command:
    values = visit.body.values
    change = KeyChange(
        min_decryption_version=given(values, "min_decryption_version", fields.integer),
        min_encryption_version=given(values, "min_encryption_version", fields.integer),
        deletion_allowed=given(values, "deletion_allowed", fields.boolean),
        exportable=given(values, "exportable", fields.boolean),
        allow_plaintext_backup=given(values, "allow_plaintext_backup", fields.boolean),
        auto_rotate_seconds=given(values, "auto_rotate_period", fields.seconds),
    )
    return ConfigureKey(mount=visit.mount.uuid, name=name, change=change)


def trim_key(visit: MountVisit, name: str) -> Command:
    minimum = given(visit.body.values, "min_available_version", fields.integer)
    if minimum is None:
        raise InvalidInputError("missing min_available_version")
    return TrimKey(mount=visit.mount.uuid, name=name, minimum=minimum)


def read_config(visit: MountVisit, _keys: str) -> Answer:
    return Answer(data=encode({"disable_upsert": load_config(visit.view).disable_upsert}))


def write_config(visit: MountVisit, _keys: str) -> Command:
    return ConfigureKeys(
        mount=visit.mount.uuid, disable_upsert=fields.boolean(visit.body.values, "disable_upsert")
    )


def export_key(visit: MountVisit, kind: str, name: str, version: str = "") -> Answer:
    what = one_of(Exported, kind, "invalid export type")
    form = one_of(Form, visit.request.parameter("format") or "", "invalid format")
    with visit.snapshot() as view:
        key = load_key(view, name)
        if key is None:
            return Answer(missing=True)
        check_exportable(key, what)
        versions = Versions(view, name, key)
        numbers = _exported_versions(key, version)
        texts = {str(number): export(key, versions.get(number), what, form) for number in numbers}
    return Answer(data=encode({"name": name, "type": key.type_name, "keys": texts}))


def _exported_versions(key: Key, version: str) -> range:
    if not version:
        return range(key.min_decryption_version, key.latest_version + 1)
    number = (
        key.latest_version if version == "latest" else number_in(version.removeprefix("v"), "key version")
    )
    if number < key.min_decryption_version:
        raise InvalidInputError("version for export is below minimum decryption version")
    if number > key.latest_version:
        raise InvalidInputError("version does not exist or cannot be found")
    return range(number, number + 1)


def back_up_key(visit: MountVisit, name: str) -> Command:
    return BackUpKey(mount=visit.mount.uuid, name=name)


def restore_key(visit: MountVisit, name: str = "") -> Outcome:
    values = visit.body.values
    text = fields.text(values, "backup")
    if not text:
        raise InvalidInputError("'backup' must be supplied")
    force, name = fields.boolean(values, "force"), name or fields.text(values, "name")
    mount = visit.mount.uuid
    if name:
        check_name(name)

    def check() -> Command:
        saved = backup.read_backup(text)
        return RestoreKey(mount=mount, name=name or saved.name, saved=saved, force=force)

    return Deferred(check)
