"""Encrypting and decrypting with keys that stay here."""

import os
from collections.abc import Callable
from functools import partial
from typing import Any

from holdfast.engines.transit import encryption
from holdfast.engines.transit.key_types import DEFAULT_KEY_TYPE, key_type
from holdfast.engines.transit.material import generate
from holdfast.engines.transit.records import Key, load_config, load_key
from holdfast.engines.transit.versioned import decode_base64, read, write
from holdfast.errors import InvalidInputError
from holdfast.formats.strict_json import encode
from holdfast.store import fields
from holdfast.store.command import Command
from holdfast.store.mount_visit import MountVisit
from holdfast.store.request import Answer
from holdfast.store.transit.batch import (
    Batch,
    Job,
    Outcome,
    Problem,
    Versions,
    attempt,
    check_contexts,
    read_batch,
    respond,
)
from holdfast.store.transit.commands import EncryptWithNewKey, Plain, encrypting, require_key
from holdfast.store.transit.values import associated_data_of, check_name, context_of, to_base64

_DATA_KEY_BITS = {128, 256, 512}


def encrypt(visit: MountVisit, name: str) -> Outcome:
    batch = _batch_with_contexts(visit)
    plain = batch.each(_read_plain)
    with visit.snapshot() as view:
        key = load_key(view, name)
        if key is not None:
            visit.permit.check(exists=True)
            versions = Versions(view, name, key)
            return respond(visit, key, batch, _prepare_all(plain, partial(encrypting, versions)))
    visit.permit.check(exists=False)
    return _encrypt_with_new_key(visit, name, batch, plain)


def _read_plain(thing: dict[str, Any]) -> Plain:
    if thing.get("plaintext") is None:
        raise InvalidInputError("missing plaintext to encrypt")
    _refuse_nonce(thing)
    return Plain(
        plaintext=decode_base64(fields.text(thing, "plaintext"), "failed to base64-decode plaintext"),
        context=context_of(thing),
        associated_data=decode_base64(
            fields.text(thing, "associated_data"), "failed to base64-decode associated_data"
        ),
        key_version=fields.integer(thing, "key_version"),
    )


def _encrypt_with_new_key(
    visit: MountVisit, name: str, batch: Batch, plain: list[Plain | Problem]
) -> Command:
    values = visit.body.values
    kind = key_type(fields.text(values, "type", DEFAULT_KEY_TYPE))
    if not kind.is_aead:
        raise InvalidInputError(f"key type {kind.name} not supported for this operation")
    derived = bool(batch.things[0].get("context"))
    convergent = fields.boolean(values, "convergent_encryption")
    if convergent and not derived:
        raise InvalidInputError(
            "convergent encryption requires derivation to be enabled, so context is required"
        )
    if load_config(visit.view).disable_upsert:
        raise InvalidInputError("encryption key not found")
    if batch.is_single and isinstance(plain[0], Problem):
        raise InvalidInputError(plain[0].text)
    check_name(name)
    return EncryptWithNewKey(
        mount=visit.mount.uuid,
        name=name,
        key=Key(type_name=kind.name, latest_version=0, derived=derived, convergent=convergent),
        material=generate(kind),
        permit=visit.permit,
        plain=tuple(plain),
        references=batch.references,
        is_single=batch.is_single,
    )


def decrypt(visit: MountVisit, name: str) -> Outcome:
    batch = _batch_with_contexts(visit)
    with visit.snapshot() as view:
        versions = Versions(view, name, require_key(view, name))
        prepared = batch.each(partial(_decrypting, versions))
    return respond(visit, versions.key, batch, prepared, empty={"plaintext": ""})


def _decrypting(versions: Versions, thing: dict[str, Any]) -> Job:
    key, decrypt = versions.key, _decryption(versions, thing)
    associated_data = associated_data_of(thing, key)

    def job() -> dict[str, Any]:
        return {"plaintext": to_base64(decrypt(associated_data))}

    return job


def _decryption(versions: Versions, thing: dict[str, Any]) -> Callable[[bytes], bytes]:
    """Return what decrypts one thing, given its associated data."""
    key, text = versions.key, fields.text(thing, "ciphertext")
    if not text:
        raise InvalidInputError("missing ciphertext to decrypt")
    _refuse_nonce(thing)
    context = context_of(thing)
    encryption.check_decrypts(key)
    number, message = read(key, text, what="ciphertext")
    version = versions.get(number)

    def decrypt(associated_data: bytes) -> bytes:
        return encryption.decrypt(key, version, message, context=context, associated_data=associated_data)

    return decrypt


def rewrap(visit: MountVisit, name: str) -> Outcome:
    batch = _batch_with_contexts(visit)
    with visit.snapshot() as view:
        versions = Versions(view, name, require_key(view, name))
        prepared = batch.each(partial(_rewrapping, versions))
    return respond(visit, versions.key, batch, prepared, tells_failure=False)


def _rewrapping(versions: Versions, thing: dict[str, Any]) -> Job:
    key, decrypt = versions.key, _decryption(versions, thing)
    context, associated_data = context_of(thing), associated_data_of(thing, key)
    number = encryption.encryption_version(key, fields.integer(thing, "key_version"))
    version = versions.get(number)

    def job() -> dict[str, Any]:
        plaintext = decrypt(associated_data)
        message = encryption.encrypt(
            key, version, plaintext, context=context, associated_data=associated_data
        )
        return {"ciphertext": write(number, message), "key_version": number}

    return job


def data_key(visit: MountVisit, kind: str, name: str) -> Answer:
    if kind not in {"plaintext", "wrapped"}:
        raise InvalidInputError("Invalid path, must be 'plaintext' or 'wrapped'")
    values = visit.body.values
    bits = fields.integer(values, "bits", 256)
    if bits not in _DATA_KEY_BITS:
        raise InvalidInputError("invalid bit length: expected 128, 256 or 512")
    _refuse_nonce(values)
    with visit.snapshot() as view:
        versions = Versions(view, name, require_key(view, name))
        new = os.urandom(bits // 8)
        plain = Plain(
            plaintext=new,
            context=context_of(values),
            associated_data=associated_data_of(values, versions.key),
            key_version=fields.integer(values, "key_version"),
        )
        data = encrypting(versions, plain)()
    if kind == "plaintext":
        data["plaintext"] = to_base64(new)
    return Answer(data=encode(data))


def _batch_with_contexts(visit: MountVisit) -> Batch:
    batch = read_batch(visit.body.values)
    check_contexts(batch)
    return batch


def _prepare_all(things: list[Any], prepare: Callable[[Any], Job]) -> list[Job | Problem]:
    return [thing if isinstance(thing, Problem) else attempt(partial(prepare, thing)) for thing in things]


def _refuse_nonce(thing: dict[str, Any]) -> None:
    if thing.get("nonce"):
        raise InvalidInputError("nonce provided when not allowed")
