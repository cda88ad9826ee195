"""All records of a store arrive elsewhere as they were, or there is no store there at all."""

import io

import pytest

from holdfast.barrier.key_pair import generate_key_pair
from holdfast.barrier.seal_config import SEAL_CONFIG_PATH
from holdfast.crypto.openpgp import decrypt_message, public_part
from holdfast.errors import ConflictError, InvalidInputError
from holdfast.model import SecretBytes
from holdfast.server.records import archive
from holdfast.server.records.archive import read_header, read_records, write_archive
from holdfast.server.records.copying import BATCH_RECORDS, copy_records, records_of
from holdfast.storage.memory import MemoryStorage

STORE = {
    SEAL_CONFIG_PATH: b"{}",
    "core/root-key": b"wrapped",
    "logical/a": b"",
    "logical/a/b": bytes(range(256)),
    "logical/\u00fc/c d": b"x" * 3000,
    **{f"logical/many/{number:05}": b"%d" % number for number in range(3 * BATCH_RECORDS)},
}


def storage_with(records):
    storage = MemoryStorage()

    def fill(tx):
        for key, value in records.items():
            tx.put(key, value)

    storage.write(fill)
    return storage


def content_of(storage):
    with storage.snapshot() as snapshot:
        return dict(records_of(snapshot))


# In bytes from the start, where the structure is; else as a part of the whole.
PLACES = (*range(0, 120, 7), *range(120, 1200, 97), *(part / 17 for part in range(1, 17)), -17, -1)


def place_in(content, place):
    return int(place * len(content)) if isinstance(place, float) else place % len(content)


def quietly(_count, _size):
    pass


@pytest.fixture(scope="module")
def private_key():
    return generate_key_pair()


@pytest.fixture(scope="module")
def whole(private_key):
    """An archive in more than one chunk."""
    file = io.BytesIO()
    records = {**STORE, "logical/large": b"y" * (archive.CHUNK_BYTES + 1)}
    write_archive(file, records.items(), [public_part(private_key)], now=1.5, progress=quietly)
    return file.getvalue()


def key_of(content, private_key):
    header, _ = read_header(io.BytesIO(content))
    return decrypt_message(header.content_key, private_key)


def read(content, key):
    file = io.BytesIO(content)
    _, bound_to = read_header(file)
    return dict(read_records(file, bound_to, key))


class TestCopying:
    def test_every_record_arrives(self):
        destination = MemoryStorage()
        told = []
        count = copy_records(STORE.items(), destination, lambda *state: told.append(state))
        assert content_of(destination) == STORE
        assert count == told[-1][0] == len(STORE)

    def test_what_breaks_off_is_no_store_and_can_be_gone_on_with(self):
        def breaks_off():
            yield from list(STORE.items())[: 2 * BATCH_RECORDS]
            raise OSError

        destination = MemoryStorage()
        with pytest.raises(OSError):
            copy_records(breaks_off(), destination, quietly)
        assert 0 < len(content_of(destination)) < len(STORE)
        assert destination.get(SEAL_CONFIG_PATH) is None
        with pytest.raises(ConflictError, match="--resume"):
            copy_records(STORE.items(), destination, quietly)
        copy_records(STORE.items(), destination, quietly, resume=True)
        assert content_of(destination) == STORE

    def test_going_on_with_another_copy_is_refused(self):
        destination = storage_with({"logical/a": b"another"})
        with pytest.raises(ConflictError):
            copy_records(STORE.items(), destination, quietly, resume=True)
        assert content_of(destination)["logical/a"] == b"another"

    @pytest.mark.parametrize("resume", [False, True])
    def test_a_store_is_never_written_over(self, resume):
        destination = storage_with(STORE)
        with pytest.raises(ConflictError, match="a store already"):
            copy_records({**STORE, "logical/a": b"z"}.items(), destination, quietly, resume=resume)
        assert content_of(destination) == STORE

    def test_what_is_no_store_does_not_become_one(self):
        destination = MemoryStorage()
        with pytest.raises(InvalidInputError, match="never initialised"):
            copy_records({"logical/a": b"x"}.items(), destination, quietly)

    def test_a_last_doubt_leaves_no_store(self):
        def doubt():
            raise ConflictError("changed")

        destination = MemoryStorage()
        with pytest.raises(ConflictError, match="changed"):
            copy_records(STORE.items(), destination, quietly, check=doubt)
        assert destination.get(SEAL_CONFIG_PATH) is None


class TestArchive:
    def test_every_record_comes_back(self, whole, private_key):
        with key_of(whole, private_key) as key:
            assert read(whole, key) == {**STORE, "logical/large": b"y" * (archive.CHUNK_BYTES + 1)}

    def test_neither_names_nor_values_are_in_it(self, whole):
        assert b"logical" not in whole
        assert b"core/" not in whole
        assert bytes(range(256)) not in whole

    @pytest.mark.parametrize("position", PLACES)
    def test_every_changed_byte_is_noticed(self, whole, private_key, position):
        changed = bytearray(whole)
        changed[place_in(whole, position)] ^= 1
        with key_of(whole, private_key) as key, pytest.raises(InvalidInputError):
            read(bytes(changed), key)

    @pytest.mark.parametrize("position", PLACES)
    def test_a_cut_is_noticed(self, whole, private_key, position):
        with key_of(whole, private_key) as key, pytest.raises(InvalidInputError):
            read(whole[: place_in(whole, position)], key)

    def test_what_was_added_is_noticed(self, whole, private_key):
        with key_of(whole, private_key) as key, pytest.raises(InvalidInputError):
            read(whole + b"\0", key)

    def test_chunks_that_changed_places_are_noticed(self, whole, private_key):
        frames, rest = [], whole[len(archive.MAGIC) :]
        while rest:
            length = 4 + int.from_bytes(rest[:4], "big")
            frames.append(rest[:length])
            rest = rest[length:]
        header, *chunks = frames
        assert len(chunks) > 1
        with key_of(whole, private_key) as key, pytest.raises(InvalidInputError):
            read(b"".join([archive.MAGIC, header, *reversed(chunks)]), key)

    @pytest.mark.parametrize(
        "key",
        [
            pytest.param(b"", id="empty"),
            pytest.param(b"00" * 32, id="another"),
            pytest.param(b"00" * 31, id="short"),
            pytest.param(b"\xff" * 64, id="no-hex"),
        ],
    )
    def test_another_key_opens_nothing_and_is_not_repeated(self, whole, key):
        with pytest.raises(InvalidInputError) as caught:
            read(whole, SecretBytes(key))
        assert not key or key.decode(errors="replace") not in caught.value.message

    @pytest.mark.parametrize(
        "content",
        [
            pytest.param(b"", id="empty"),
            pytest.param(b"\x7fELF" * 99, id="another-file"),
            pytest.param(archive.MAGIC, id="no-header"),
            pytest.param(archive.MAGIC + b"\xff\xff\xff\xff", id="huge-header"),
            pytest.param(archive.MAGIC + b"\0\0\0\x01\xc1", id="header-without-sense"),
        ],
    )
    def test_what_is_no_archive_is_refused(self, content):
        with pytest.raises(InvalidInputError):
            read_header(io.BytesIO(content))

    def test_a_store_without_records_is_an_archive_too(self, private_key):
        file = io.BytesIO()
        write_archive(file, [], [public_part(private_key)], now=0.0, progress=quietly)
        with key_of(file.getvalue(), private_key) as key:
            assert read(file.getvalue(), key) == {}
