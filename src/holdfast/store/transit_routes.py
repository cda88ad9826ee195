"""Requests below a transit mount: encrypting and signing for others with keys that stay here.

What changes a key becomes a command; everything else is answered from the newest committed state. A private
RSA operation takes milliseconds, making an RSA key much longer: what would hold up everybody else is done
elsewhere. What a path means follows the transit part of the Vault HTTP API.
"""

import base64
import os
from collections.abc import Callable
from functools import partial
from typing import Any

from holdfast.engines.transit import backup, digests, encryption, signatures
from holdfast.engines.transit.changes import KeyChange, check_new_key
from holdfast.engines.transit.export import Exported, Form, check_exportable, export
from holdfast.engines.transit.key_types import DEFAULT_KEY_TYPE, key_type
from holdfast.engines.transit.material import generate, is_slow
from holdfast.engines.transit.records import (
    Key,
    is_key_name,
    list_keys,
    load_config,
    load_key,
)
from holdfast.engines.transit.signatures import Marshaling, Scheme, SigningOptions
from holdfast.engines.transit.versioned import decode_base64, read, write
from holdfast.errors import InvalidInputError, NotFoundError, UnsupportedError
from holdfast.formats.strict_json import encode
from holdfast.store import fields
from holdfast.store.command import Command
from holdfast.store.mount_visit import MountVisit
from holdfast.store.request import Answer, Operation
from holdfast.store.route import Deferred
from holdfast.store.transit_batch import (
    Batch,
    Job,
    Problem,
    Versions,
    answer,
    associated_data_of,
    attempt,
    check_contexts,
    context_of,
    input_of,
    read_batch,
)
from holdfast.store.transit_commands import (
    ALREADY_THERE,
    BackUpKey,
    ConfigureKey,
    ConfigureKeys,
    CreateKey,
    DeleteKey,
    EncryptWithNewKey,
    Plain,
    RestoreKey,
    RotateKey,
    TrimKey,
    described,
    encrypting,
    require_key,
)

MAX_RANDOM_BYTES = 128 * 1024
MAX_LISTED = 100_000
MAX_MILLISECONDS_HERE = 10.0

# Rough costs of one private operation, to tell what is too slow for the process that serves requests.
_MILLISECONDS = {
    "rsa-2048": 1.0,
    "rsa-3072": 3.0,
    "rsa-4096": 6.0,
    "ecdsa-p256": 0.1,
    "ecdsa-p384": 1.0,
    "ecdsa-p521": 1.0,
    "ed25519": 0.2,
}
_MILLISECONDS_OTHERWISE = 0.03
_MILLISECONDS_PER_MIB = 5.0
_DATA_KEY_BITS = {128, 256, 512}
_SOURCES = frozenset({"", "platform", "seal", "all"})

Outcome = Answer | Command | Deferred


def serve_transit(visit: MountVisit) -> Outcome:
    """Answer a request below a transit mount, or say which change or slow work will."""
    section, *words = visit.mounted.path.rstrip("/").split("/")
    handlers = _SECTIONS.get(section, {})
    if section == "keys" and len(words) == 2:  # noqa: PLR2004 - the name, and what is done with the key
        handlers = _KEY_ACTIONS.get(words.pop(), {})
    if not handlers:
        raise NotFoundError("unsupported path")
    row = handlers.get(visit.request.operation)
    if row is None:
        raise UnsupportedError("unsupported operation")
    least, most, handler = row
    if not least <= len(words) <= most:
        raise NotFoundError("unsupported path")
    if visit.request.operation is Operation.WRITE and handler is not _encrypt:
        visit.permit.check(
            exists=True
        )  # a write of this engine asks for ``update``; only encrypting may create
    return handler(visit, *words)


# -- keys -------------------------------------------------------------------------------------------------


def _list_keys(visit: MountVisit) -> Answer:
    limit = fields.integer(dict(visit.request.query), "limit") or MAX_LISTED
    after = visit.request.parameter("after") or ""
    names = list_keys(visit.view, after=after, limit=min(limit, MAX_LISTED))
    return Answer(data=encode({"keys": names})) if names else Answer(missing=True)


def _read_key(visit: MountVisit, name: str) -> Answer:
    context = decode_base64(visit.request.parameter("context") or "", "failed to base64-decode context")
    with visit.snapshot() as view:
        if load_key(view, name) is None:
            return Answer(missing=True)
        return described(view, name, context=context)


def _create_key(visit: MountVisit, name: str) -> Outcome:
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
    _check_name(name)
    with visit.snapshot() as view:
        if load_key(view, name) is not None:
            return described(view, name, warning=ALREADY_THERE)

    def make() -> Command:
        material = generate(key.type, key_bytes=key.key_bytes)
        return CreateKey(mount=visit.mount.uuid, name=name, key=key, material=material)

    return Deferred(make) if is_slow(key.type) else make()


def _delete_key(visit: MountVisit, name: str) -> Command:
    return DeleteKey(mount=visit.mount.uuid, name=name)


def _rotate_key(visit: MountVisit, name: str) -> Outcome:
    key = require_key(visit.view, name, "key not found")

    def make() -> Command:
        material = generate(key.type, key_bytes=key.key_bytes)
        return RotateKey(mount=visit.mount.uuid, name=name, made_for=key, material=material)

    return Deferred(make) if is_slow(key.type) else make()


def _configure_key(visit: MountVisit, name: str) -> Command:
    values = visit.body.values
    change = KeyChange(
        min_decryption_version=_given(values, "min_decryption_version", fields.integer),
        min_encryption_version=_given(values, "min_encryption_version", fields.integer),
        deletion_allowed=_given(values, "deletion_allowed", fields.boolean),
        exportable=_given(values, "exportable", fields.boolean),
        allow_plaintext_backup=_given(values, "allow_plaintext_backup", fields.boolean),
        auto_rotate_seconds=_given(values, "auto_rotate_period", fields.seconds),
    )
    return ConfigureKey(mount=visit.mount.uuid, name=name, change=change)


def _trim_key(visit: MountVisit, name: str) -> Command:
    minimum = _given(visit.body.values, "min_available_version", fields.integer)
    if minimum is None:
        raise InvalidInputError("missing min_available_version")
    return TrimKey(mount=visit.mount.uuid, name=name, minimum=minimum)


def _read_config(visit: MountVisit, _keys: str) -> Answer:
    return Answer(data=encode({"disable_upsert": load_config(visit.view).disable_upsert}))


def _write_config(visit: MountVisit, _keys: str) -> Command:
    return ConfigureKeys(
        mount=visit.mount.uuid, disable_upsert=fields.boolean(visit.body.values, "disable_upsert")
    )


# -- taking keys away -------------------------------------------------------------------------------------


def _export(visit: MountVisit, kind: str, name: str, version: str = "") -> Answer:
    what = _one_of(Exported, kind, "invalid export type")
    form = _one_of(Form, visit.request.parameter("format") or "", "invalid format")
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
    number = key.latest_version if version == "latest" else _number(version.removeprefix("v"), "key version")
    if number < key.min_decryption_version:
        raise InvalidInputError("version for export is below minimum decryption version")
    if number > key.latest_version:
        raise InvalidInputError("version does not exist or cannot be found")
    return range(number, number + 1)


def _back_up(visit: MountVisit, name: str) -> Command:
    return BackUpKey(mount=visit.mount.uuid, name=name)


def _restore(visit: MountVisit, name: str = "") -> Outcome:
    values = visit.body.values
    text = fields.text(values, "backup")
    if not text:
        raise InvalidInputError("'backup' must be supplied")
    force, name = fields.boolean(values, "force"), name or fields.text(values, "name")
    mount = visit.mount.uuid
    if name:
        _check_name(name)

    def check() -> Command:
        saved = backup.read_backup(text)
        return RestoreKey(mount=mount, name=name or saved.name, saved=saved, force=force)

    return Deferred(check)


# -- encrypting -------------------------------------------------------------------------------------------


def _encrypt(visit: MountVisit, name: str) -> Outcome:
    batch = _batch_with_contexts(visit)
    plain = batch.each(_read_plain)
    with visit.snapshot() as view:
        key = load_key(view, name)
        if key is not None:
            visit.permit.check(exists=True)
            versions = Versions(view, name, key)
            return _answer(visit, key, batch, _prepared(plain, partial(encrypting, versions)))
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
    _check_name(name)
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


def _decrypt(visit: MountVisit, name: str) -> Outcome:
    batch = _batch_with_contexts(visit)
    with visit.snapshot() as view:
        versions = Versions(view, name, require_key(view, name))
        prepared = batch.each(partial(_decrypting, versions))
    return _answer(visit, versions.key, batch, prepared, empty={"plaintext": ""})


def _decrypting(versions: Versions, thing: dict[str, Any]) -> Job:
    key, decrypt = versions.key, _decryption(versions, thing)
    associated_data = associated_data_of(thing, key)

    def job() -> dict[str, Any]:
        return {"plaintext": _base64(decrypt(associated_data))}

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


def _rewrap(visit: MountVisit, name: str) -> Outcome:
    batch = _batch_with_contexts(visit)
    with visit.snapshot() as view:
        versions = Versions(view, name, require_key(view, name))
        prepared = batch.each(partial(_rewrapping, versions))
    return _answer(visit, versions.key, batch, prepared, tells_failure=False)


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


def _data_key(visit: MountVisit, kind: str, name: str) -> Answer:
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
        data["plaintext"] = _base64(new)
    return Answer(data=encode(data))


# -- signing ----------------------------------------------------------------------------------------------


def _sign(visit: MountVisit, name: str, algorithm: str = "") -> Outcome:
    values, batch = visit.body.values, read_batch(visit.body.values)
    options = _signing_options(values, algorithm)
    wanted = fields.integer(values, "key_version")
    with visit.snapshot() as view:
        key = require_key(view, name, "signing key not found")
        signatures.check_signs(key, what="signing")
        number = signatures.signing_version(key, wanted)
        version = Versions(view, name, key).get(number)
    url_safe = options.marshaling is Marshaling.JWS

    def signing(thing: dict[str, Any]) -> Job:
        data, context = input_of(thing), context_of(thing)

        def job() -> dict[str, Any]:
            signature = signatures.sign(key, version, data, options, context=context)
            result = {"signature": write(number, signature, url_safe=url_safe), "key_version": number}
            if key.derived:
                public = signatures.derived_public_key(key, version, context)
                result["public_key" if batch.is_single else "publickey"] = _base64(public)
            return result

        return job

    return _answer(visit, key, batch, batch.each(signing), empty={"key_version": 0}, tells_failure=False)


def _verify(visit: MountVisit, name: str, algorithm: str = "") -> Outcome:
    values, batch = visit.body.values, read_batch(visit.body.values)
    if _proof_to_verify(batch) == "hmac":
        return _verify_hmacs(visit, name, algorithm, batch)
    options = _signing_options(values, algorithm)
    with visit.snapshot() as view:
        key = require_key(view, name, "signature verification key not found")
        signatures.check_signs(key, what="verification")
        prepared = batch.each(partial(_verifying, Versions(view, name, key), options))
    return _answer(visit, key, batch, prepared, empty={"valid": False}, tells_failure=False)


def _verifying(versions: Versions, options: SigningOptions, thing: dict[str, Any]) -> Job:
    key, data, context = versions.key, input_of(thing), context_of(thing)
    number, signature = read(
        key,
        fields.text(thing, "signature"),
        what="signature",
        url_safe=options.marshaling is Marshaling.JWS,
    )
    version = versions.get(number)

    def job() -> dict[str, Any]:
        return {"valid": signatures.verify(key, version, data, signature, options, context=context)}

    return job


def _proof_to_verify(batch: Batch) -> str:
    """Return what all things of a batch bring along: ``signature`` or ``hmac``."""
    found = {
        "signature" if "signature" in thing else "hmac" if "hmac" in thing else "" for thing in batch.things
    }
    if batch.is_single and {"signature", "hmac"} <= set(batch.things[0]):
        raise InvalidInputError("provide one of 'signature' or 'hmac'")
    if batch.is_single and found == {""}:
        raise InvalidInputError("neither a 'signature' nor an 'hmac' were given to verify")
    if {"signature", "hmac"} <= found:
        raise InvalidInputError("elements of batch_input must all provide 'signature' or all provide 'hmac'")
    if found == {""}:
        raise InvalidInputError("no batch_input elements have 'signature' or 'hmac'")
    if "" in found:
        raise InvalidInputError(f"some elements of batch_input are missing '{max(found)}'")
    return found.pop()


def _signing_options(values: dict[str, Any], algorithm: str) -> SigningOptions:
    options = SigningOptions(
        hash_name=_hash_name(values, algorithm),
        scheme=_one_of(
            Scheme, fields.text(values, "signature_algorithm") or Scheme.PSS, "invalid signature_algorithm"
        ),
        marshaling=_one_of(
            Marshaling,
            fields.text(values, "marshaling_algorithm") or Marshaling.ASN1,
            "invalid marshaling type",
        ),
        salt_bytes=_salt_bytes(fields.text(values, "salt_length").lower()),
        prehashed=fields.boolean(values, "prehashed"),
    )
    options.check()
    return options


def _hash_name(values: dict[str, Any], algorithm: str) -> str:
    return (
        algorithm
        or fields.text(values, "hash_algorithm")
        or fields.text(values, "algorithm")
        or digests.DEFAULT_HASH
    )


def _salt_bytes(text: str) -> int:
    if text in {"", "auto"}:
        return signatures.SALT_AS_LONG_AS_POSSIBLE
    if text in {"hash", "-1"}:
        return signatures.SALT_LIKE_HASH
    return _number(text, "salt_length")


# -- HMACs, hashes, randomness ----------------------------------------------------------------------------


def _make_hmac(visit: MountVisit, name: str, algorithm: str = "") -> Outcome:
    values, batch = visit.body.values, read_batch(visit.body.values)
    hash_name = algorithm or fields.text(values, "algorithm") or digests.DEFAULT_HASH
    digests.check_hmac_algorithm(hash_name)
    with visit.snapshot() as view:
        key = require_key(view, name)
        number = digests.hmac_version(key, fields.integer(values, "key_version"))
        version = Versions(view, name, key).get(number)

    def hashing(thing: dict[str, Any]) -> Job:
        data = input_of(thing, "missing input for HMAC")
        return lambda: {"hmac": write(number, digests.make_hmac(version, hash_name, data))}

    return _answer(visit, key, batch, batch.each(hashing), tells_failure=False)


def _verify_hmacs(visit: MountVisit, name: str, algorithm: str, batch: Batch) -> Outcome:
    hash_name = _hash_name(visit.body.values, algorithm)
    digests.check_hmac_algorithm(hash_name)
    with visit.snapshot() as view:
        key = require_key(view, name)
        versions = Versions(view, name, key)

        def verifying(thing: dict[str, Any]) -> Job:
            data = input_of(thing)
            number, claimed = read(key, fields.text(thing, "hmac"), what="HMAC")
            version = versions.get(number)
            return lambda: {"valid": digests.is_hmac(version, hash_name, data, claimed)}

        prepared = batch.each(verifying)
    return _answer(visit, key, batch, prepared, empty={"valid": False}, tells_failure=False)


def _hash(visit: MountVisit, algorithm: str = "") -> Answer:
    values = visit.body.values
    data = input_of(values, "input missing")
    name = algorithm or fields.text(values, "algorithm") or digests.DEFAULT_HASH
    return Answer(data=encode({"sum": _written(digests.digest(name, data), values, default="hex")}))


def _random(visit: MountVisit, first: str = "", second: str = "") -> Answer:
    values = visit.body.values
    source, count = (first, second) if second or first in _SOURCES else ("", first)
    source = source or fields.text(values, "source")
    if source not in _SOURCES:
        raise InvalidInputError("source: expected platform, seal or all")
    size = _number(count, "bytes") if count else fields.integer(values, "bytes", 32)
    if not 1 <= size <= MAX_RANDOM_BYTES:
        raise InvalidInputError(f"'bytes' should be from 1 to {MAX_RANDOM_BYTES}")
    text = _written(os.urandom(size), values, default="base64")
    warnings = ("no other source of randomness than the platform's is there",) if source == "seal" else ()
    return Answer(data=encode({"random_bytes": text}), warnings=warnings)


def _written(data: bytes, values: dict[str, Any], *, default: str) -> str:
    form = fields.text(values, "format", default)
    if form not in {"hex", "base64"}:
        raise InvalidInputError('unsupported encoding format; must be "hex" or "base64"')
    return data.hex() if form == "hex" else _base64(data)


# -- what they share --------------------------------------------------------------------------------------


def _batch_with_contexts(visit: MountVisit) -> Batch:
    batch = read_batch(visit.body.values)
    check_contexts(batch)
    return batch


def _prepared(things: list[Any], prepare: Callable[[Any], Job]) -> list[Job | Problem]:
    return [thing if isinstance(thing, Problem) else attempt(partial(prepare, thing)) for thing in things]


def _answer(
    visit: MountVisit,
    key: Key,
    batch: Batch,
    prepared: list[Job | Problem],
    *,
    empty: dict[str, Any] | None = None,
    tells_failure: bool = True,
) -> Answer | Deferred:
    """Compute what was prepared, here or elsewhere, and return the answer."""
    work = partial(
        answer,
        prepared,
        batch.references,
        is_single=batch.is_single,
        empty=empty or {},
        tells_failure=tells_failure,
    )
    cost = len(prepared) * _MILLISECONDS.get(key.type_name, _MILLISECONDS_OTHERWISE)
    cost += len(visit.body.raw) / 2**20 * _MILLISECONDS_PER_MIB
    return Deferred(work) if cost > MAX_MILLISECONDS_HERE else work()


def _check_name(name: str) -> None:
    if not is_key_name(name):
        raise InvalidInputError("name: expected letters, digits, and - . _ between them")


def _refuse_nonce(thing: dict[str, Any]) -> None:
    if thing.get("nonce"):
        raise InvalidInputError("nonce provided when not allowed")


def _given(values: dict[str, Any], name: str, read_field: Callable[..., Any]) -> Any:
    return read_field(values, name) if values.get(name) is not None else None


def _number(text: str, field: str) -> int:
    return fields.integer({field: text if text.isascii() and text.isdigit() else "?"}, field)


def _one_of(choices: Any, text: str, problem: str) -> Any:
    try:
        return choices(text)
    except ValueError:
        pass
    names = ", ".join(choice.value for choice in choices if choice.value)
    raise InvalidInputError(f"{problem}: expected one of {names}")


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


_Row = tuple[int, int, Callable[..., Outcome]]
"""How many words there are at least and at most behind the section, and what answers."""

_SECTIONS: dict[str, dict[Operation, _Row]] = {
    "keys": {
        Operation.LIST: (0, 0, _list_keys),
        Operation.READ: (1, 1, _read_key),
        Operation.WRITE: (1, 1, _create_key),
        Operation.DELETE: (1, 1, _delete_key),
    },
    "config": {Operation.READ: (1, 1, _read_config), Operation.WRITE: (1, 1, _write_config)},
    "export": {Operation.READ: (2, 3, _export)},
    "backup": {Operation.READ: (1, 1, _back_up)},
    "restore": {Operation.WRITE: (0, 1, _restore)},
    "encrypt": {Operation.WRITE: (1, 1, _encrypt)},
    "decrypt": {Operation.WRITE: (1, 1, _decrypt)},
    "rewrap": {Operation.WRITE: (1, 1, _rewrap)},
    "datakey": {Operation.WRITE: (2, 2, _data_key)},
    "sign": {Operation.WRITE: (1, 2, _sign)},
    "verify": {Operation.WRITE: (1, 2, _verify)},
    "hmac": {Operation.WRITE: (1, 2, _make_hmac)},
    "hash": {Operation.WRITE: (0, 1, _hash)},
    "random": {Operation.WRITE: (0, 2, _random)},
}
_KEY_ACTIONS: dict[str, dict[Operation, _Row]] = {
    "rotate": {Operation.WRITE: (1, 1, _rotate_key)},
    "config": {Operation.WRITE: (1, 1, _configure_key)},
    "trim": {Operation.WRITE: (1, 1, _trim_key)},
}
