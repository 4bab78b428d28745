"""Files that come compressed, in archives, encrypted, or as several of these; made by the programs that people use."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import gnupg
import pytest

from lytics_azure_tui.errors import BadConfiguration, Fatal
from lytics_azure_tui.jobs.decompress import decompressed
from lytics_azure_tui.jobs.decrypt import NO_KEYS, Decryption, lines_of
from lytics_azure_tui.jobs.unpack import members
from lytics_azure_tui.lytics.duck import database
from lytics_azure_tui.model.secret import Secret
from tests.conftest import Storage
from tests.integration.imports import Importer

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

Make = Callable[..., Importer]
CSV = b"id,name\n" + b"".join(b"%d,Zo\xc3\xab %d\n" % (number, number) for number in range(5000))
PASSPHRASE = "correct horse 🐎"


def tarred(files: dict[str, bytes], *, form: int = tarfile.GNU_FORMAT) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=form) as archive:
        folder = tarfile.TarInfo("data")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for name, data in files.items():
            item = tarfile.TarInfo(name)
            item.size = len(data)
            archive.addfile(item, io.BytesIO(data))
    return packed.getvalue()


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED, before: bytes = b"") -> bytes:
    packed = io.BytesIO(before)
    packed.seek(len(before))
    with zipfile.ZipFile(packed, "a" if before else "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return packed.getvalue()


HALVES = CSV[: len(CSV) // 2], CSV[len(CSV) // 2 :]
PARTS = {
    "__MACOSX/._a.csv": b"\0\5\26\7",
    "a/.DS_Store": b"\0\0\0\1Bud1",
    "a/empty.csv": b"",
    "a/1.csv": b"id,name\n" + CSV[8:].split(b"2500,")[0].rstrip(b"\n"),
    "a/2.csv": b"\r\nid,name\r\n" + b"2500," + CSV.split(b"\n2500,")[1],
}
FORMS = {
    "gzip": gzip.compress(CSV),
    "gzip of two members, filled up": gzip.compress(HALVES[0]) + gzip.compress(HALVES[1]) + bytes(512),
    "bzip2": bz2.compress(CSV),
    "bzip2 of two streams": bz2.compress(HALVES[0]) + bz2.compress(HALVES[1]),
    "xz": lzma.compress(CSV),
    "xz of two streams": lzma.compress(HALVES[0]) + lzma.compress(HALVES[1]),
    "zstd": zstd.compress(CSV),
    "zstd of two frames": zstd.compress(HALVES[0]) + zstd.compress(HALVES[1]),
    "zstd behind a skippable frame": b"\x50\x2a\x4d\x18\4\0\0\0abcd" + zstd.compress(CSV),
    "gzip in gzip": gzip.compress(gzip.compress(CSV)),
    "zip, stored": zipped({"x.csv": CSV}, zipfile.ZIP_STORED),
    "zip, bzip2": zipped({"x.csv": CSV}, zipfile.ZIP_BZIP2),
    "zip, LZMA": zipped({"x.csv": CSV}, zipfile.ZIP_LZMA),
    "zip behind other data": zipped({"x.csv": CSV}, before=b"PK\x03\x04 a program that unpacks itself"),
    "zip of several": zipped(PARTS),
    "gzip in zip": zipped({"x.csv.gz": gzip.compress(CSV)}),
    "tar": tarred({"x.csv": CSV}),
    "tar of the old format": tarred({"x.csv": CSV}, form=tarfile.USTAR_FORMAT),
    "tar of several, gzip": gzip.compress(tarred(PARTS)),
    "tar of several, xz, pax": lzma.compress(tarred(PARTS, form=tarfile.PAX_FORMAT)),
    "UTF-16 with a mark, in a tar": tarred({"x.csv": CSV.decode().encode("utf-16")}),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_row_comes_out_of_whatever_it_was_packed_in(storage: Storage, importer: Make, form: str) -> None:
    storage.put("x.dat", FORMS[form])
    job = importer(filename="x.dat")
    assert job.rehearse().columns == ("id", "name")
    assert job.run().counts["imported"] == 5000
    assert [row[:2] for row in job.rows("id, name")] == [(str(number), f"Zoë {number}") for number in range(5000)]


@pytest.mark.parametrize("program", ["gzip", "bzip2", "xz", "zstd", "tar", "zip"])
def test_what_the_programs_write_is_read(storage: Storage, importer: Make, program: str, tmp_path: Path) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    (tmp_path / "x.csv").write_bytes(CSV)
    command = {"tar": ["tar", "cf", "-", "x.csv"], "zip": ["zip", "-q", "-", "x.csv"]}
    packed = subprocess.run(
        command.get(program, [program, "-c", "x.csv"]), cwd=tmp_path, capture_output=True, check=True
    ).stdout
    storage.put("x.dat", packed)
    assert importer(filename="x.dat").run().counts["imported"] == 5000


@pytest.mark.parametrize("form", ["gzip", "bzip2", "xz", "zstd", "zip, LZMA", "tar", "tar of several, gzip"])
def test_a_file_that_was_cut_off_fails_and_imports_nothing(storage: Storage, importer: Make, form: str) -> None:
    whole = FORMS[form].rstrip(b"\0") if form == "tar" else FORMS[form]
    storage.put("x.dat", whole[: len(whole) - 700] if form == "tar" else whole[:-9])
    job = importer(filename="x.dat")
    with pytest.raises(Fatal, match=r"ends in the middle|damaged"):
        job.run()
    assert job.workspace.streams() == []


def test_a_tar_that_ends_between_two_files_is_cut_off(storage: Storage, importer: Make) -> None:
    whole = tarred({"1.csv": b"id,name\n1,a\n", "2.csv": b"id,name\n2,b\n"})
    storage.put("x.tar", whole[: 512 + 1024])  # the folder and the first file
    with pytest.raises(Fatal, match="ends in the middle"):
        importer(filename="x.tar").run()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (zipped({}), "holds no file"),
        (zipped({"__MACOSX/._x.csv": b"abc"}), "holds no file"),
        (zipped({"[Content_Types].xml": b"<Types/>", "xl/workbook.xml": b"<workbook/>"}), "workbook"),
        (zipped({"1.csv": b"id\n1\n", "2.csv": b"no\n2\n"}), "2.csv has another header"),
        (zipped({"x.zip": zipped({"x.csv": CSV})}), "holds a zip archive"),
        (FORMS["zip, stored"].replace(b"Zo\xc3\xab 77\n", b"Zo\xc3\xab 78\n", 1), "checksum"),
        (gzip.compress(gzip.compress(gzip.compress(gzip.compress(gzip.compress(CSV))))), "packed more than"),
        (b"PAR1" + bytes(100), "damaged Parquet file"),
        (gzip.compress(b"PAR1" + bytes(100)), "holds a Parquet file"),
    ],
    ids=[
        "empty",
        "empty but for macOS",
        "workbook",
        "two headers",
        "zip in zip",
        "checksum",
        "too deep",
        "cut Parquet",
        "packed Parquet",
    ],
)
def test_what_cannot_be_read_is_refused_in_words(storage: Storage, importer: Make, data: bytes, words: str) -> None:
    storage.put("x.dat", data)
    with pytest.raises(Fatal, match=words):
        importer(filename="x.dat").run()


@dataclass(frozen=True)
class InMemory:
    """A blob whose bytes are at hand."""

    data: bytes
    name: str = "x"

    @property
    def size(self) -> int:
        return len(self.data)

    def stream(self, block: int) -> Iterator[bytes]:
        return (self.data[at : at + block] for at in range(0, self.size, block))

    def read(self, offset: int, length: int) -> bytes:
        return self.data[offset : offset + length]


ZEROS = bytes(20 << 20)


EXPANDING: dict[str, tuple[str, Callable[[], bytes]]] = {
    "gzip": ("gzip", lambda: gzip.compress(ZEROS)),
    "bzip2": ("bzip2", lambda: bz2.compress(ZEROS)),
    "xz": ("xz", lambda: lzma.compress(ZEROS, preset=0)),
    "zstd": ("zstd", lambda: zstd.compress(ZEROS)),
    "tar": ("tar", lambda: tarred({"x": ZEROS})),
    "zip": ("zip", lambda: zipped({"x": ZEROS})),
    "zip, bzip2": ("zip", lambda: zipped({"x": ZEROS}, zipfile.ZIP_BZIP2)),
    "zip, LZMA": ("zip", lambda: zipped({"x": ZEROS}, zipfile.ZIP_LZMA)),
}


@pytest.mark.parametrize("form", EXPANDING)
def test_blocks_stay_small_whatever_they_expand_to(form: str) -> None:
    layer, made = EXPANDING[form]
    found = [[len(block) for block in blocks] for _, blocks in members(InMemory(made()), [layer], NO_KEYS)]
    assert [sum(blocks) for blocks in found] == [len(ZEROS)]
    assert max(found[0]) <= 8 << 20


def test_what_asks_for_more_memory_than_any_setting_of_its_program_is_refused() -> None:
    wide: dict[int, int] = {zstd.CompressionParameter.window_log: 28, zstd.CompressionParameter.content_size_flag: 0}
    made = zstd.ZstdCompressor(options=wide)
    data = made.compress(ZEROS) + made.flush()
    with pytest.raises(Fatal, match="128 MiB of memory"):
        list(decompressed(iter([data]), "zstd", "x"))
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 256 << 20}]
    with pytest.raises(Fatal, match="128 MiB of memory"):
        list(decompressed(iter([lzma.compress(b"id\n1\n", filters=filters)]), "xz", "x"))


# Parquet

VALUES = """
    SELECT i AS id, 'Zoë "q", ' || i AS name, (i * 1.10)::DECIMAL(20, 3) AS price, i / 3.0::DOUBLE AS share,
        TIMESTAMP '2024-01-31 10:00:00.123456' + to_seconds(i) AS moment,
        (TIMESTAMP '2024-01-31 10:00:00') AT TIME ZONE 'UTC' AS utc,
        DATE '2024-02-29' AS day, [i, NULL] AS list, {'a': 1.5, 'b': 'x'} AS struct, MAP {'k': i} AS map,
        'abc'::BLOB AS bytes, '\\xFF\\x00'::BLOB AS octets, NULL::INT AS missing, '' AS empty, i % 2 = 0 AS even,
        E'two\\nlines' AS lines, 9007199254740993 AS huge
    FROM range(4100) t(i)
"""


def parquet(query: str, **options: object) -> bytes:
    with tempfile.TemporaryDirectory() as folder, database(memory=256 << 20) as connection:
        path = Path(folder) / "x.parquet"
        more = "".join(f", {name} {value}" for name, value in options.items())
        connection.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet{more})")
        return path.read_bytes()


def test_values_of_parquet_become_text_that_says_the_same(storage: Storage, importer: Make) -> None:
    storage.put("x.parquet", parquet(VALUES, ROW_GROUP_SIZE=2048, COMPRESSION="zstd"))
    job = importer(filename="x.parquet", timestamp_field="moment", encoding="cp1252", delimiter=";")
    assert job.rehearse().sample[1][:3] == ("1", 'Zoë "q", 1', "1.100")
    assert job.run().counts["imported"] == 4100
    rows = job.rows(
        "id, name, price, share, moment, utc, day, list, struct, map, bytes, octets, missing, even, lines, huge"
    )
    assert [int(row[0]) for row in rows] == list(range(4100))
    assert rows[3100][:5] == ("3100", 'Zoë "q", 3100', "3410.000", "1033.3333333333333", "2024-01-31 10:51:40.123456")
    assert rows[1][5:] == (
        "2024-01-31 10:00:00Z", "2024-02-29", "[1,null]", '{"a":1.5,"b":"x"}', '{"k":1}', "abc", "0xFF00", None,
        "false", "two\nlines", "9007199254740993",
    )  # fmt: skip
    assert job.rows("_event_time")[0] == ("2024-01-31 10:00:00.123456+00",)


def test_rows_of_parquet_whose_time_cannot_be_read_go_to_quarantine(storage: Storage, importer: Make) -> None:
    storage.put(
        "x.parquet", parquet("SELECT i AS id, CASE i WHEN 7 THEN 'soon' ELSE '2024-01-31' END AS at FROM range(9) t(i)")
    )
    job = importer(filename="x.parquet", timestamp_field="at")
    assert job.run().counts == {"files": 1, "imported": 8, "quarantined": 1}
    assert [row.raw for row in job.quarantined()] == [b"7,soon"]


def test_parquet_without_rows_says_so(storage: Storage, importer: Make) -> None:
    storage.put("x.parquet", parquet("SELECT 1 AS id, 'x' AS name WHERE false"))
    job = importer(filename="x.parquet")
    assert job.rehearse().columns == ("id", "name")
    assert job.run().counts["imported"] == 0


# Newline-delimited JSON

LINES = b"""{"id": 1, "name": "Zo\xc3\xab \\"q\\"", "price": 1.10, "tags": ["a", 1.00], "at": "2026-01-31T10:00:00Z"}
{"ID": 2, "name": "two\\nlines", "price": 123456789012345678901234567890, "at": "2026-01-31T10:00:01Z", "vip": true}

{"id": 3, "name": null, "address": {"city": "K\xc3\xb6ln", "n": [1, {"x": 2.50}]}, "at": "2026-01-31T10:00:02Z"}
{"id": 4, "at": "soon"}
{"id": 5, "at": "2026-01-31T10:00:0
[6]
{"id": 7, "id": 8, "at": "2026-01-31T10:00:00Z"}
{"id": 9, "name": "\\ud800", "at": "2026-01-31T10:00:00Z"}
{"id": "10", "name": "", "at": "2026-01-31T10:00:03Z"}"""


@pytest.mark.parametrize("form", ["plain", "gzip", "tar of two"])
def test_objects_become_rows_and_lines_that_are_none_go_to_quarantine(
    storage: Storage, importer: Make, form: str
) -> None:
    first, second = LINES[: LINES.index(b'{"id": 4')], LINES[LINES.index(b'{"id": 4') :]
    packed = {"plain": LINES, "gzip": gzip.compress(LINES), "tar of two": tarred({"1.json": first, "2.json": second})}
    storage.put("x.json", packed[form])
    job = importer(filename="x.json", timestamp_field="at", delimiter=";")
    assert job.rehearse().columns == ("id", "name", "price", "tags", "at", "vip", "address")
    assert job.run().counts == {"files": 1, "imported": 4, "quarantined": 5}
    assert [row[:-1] for row in job.rows("id, name, price, tags, vip, address, _row")] == [
        ("1", 'Zoë "q"', "1.10", '["a", 1.00]', None, None),
        ("2", "two\nlines", "123456789012345678901234567890", None, "true", None),
        ("3", None, None, None, None, '{"city": "Köln", "n": [1, {"x": 2.50}]}'),
        ("10", "", None, None, None, None),
    ]
    bad = {row.raw: row for row in job.quarantined()}
    assert list(bad) == LINES.splitlines()[4:9]
    assert "time" in bad[LINES.splitlines()[4]].reason
    if form == "plain":
        assert [(row.line, row.byte) for row in bad.values()] == [
            (line + 1, sum(len(one) + 1 for one in LINES.splitlines()[:line])) for line in range(4, 9)
        ]
        reasons = [row.reason for row in bad.values()]
        assert reasons[2:] == [
            "it is not a JSON object",
            "the field id stands twice",
            "half of a surrogate pair is no text",
        ]
        assert reasons[1].startswith("it is not JSON: ")


def test_lines_of_json_come_in_from_quarantine(storage: Storage, importer: Make) -> None:
    storage.put("x.json", b'{"id": 1, "at": "soon"}\n{"id": 2, "at": "2026-01-31"}\n{"id": 3\n')
    job = importer(filename="x.json", timestamp_field="at")
    assert job.run().counts["quarantined"] == 2
    kept = job.folders()
    again = job.with_settings(timestamp_field=None)
    again.runs = job.runs
    assert again.run(replay=kept).counts == {"files": 1, "imported": 1, "quarantined": 1}
    assert {row[0] for row in again.rows("id")} == {"1", "2"}


def test_a_field_behind_the_sample_is_a_column(storage: Storage, importer: Make) -> None:
    lines = b"".join(b'{"id": %d, "name": "somebody"}\n' % number for number in range(20_000))
    storage.put("x.json", lines + b'{"id": 20000, "late": "1"}\n')
    job = importer(filename="x.json")
    assert job.run().counts["imported"] == 20_001
    assert job.rows("id, late")[-1] == ("20000", "1")


def test_a_next_file_of_objects_is_compared_with_the_one_before(storage: Storage, importer: Make) -> None:
    storage.put("c_20260101.json", b'{"id": 1, "v": "a"}\n{"id": 2, "v": "b"}\n')
    job = importer(filename="c_20260101.json", continuous_update=True, diff=True)
    assert job.run().counts["imported"] == 2
    storage.put("c_20260102.json", b'{"v": "a", "id": 1}\n{"id": 2, "v": "c"}\n')
    counts = job.run().counts
    assert (counts["imported"], counts["unchanged"]) == (1, 1)


# PGP


class Keys:
    """A receiver, whose private key has a passphrase, and a sender who signs; in a key ring of their own."""

    def __init__(self, home: str) -> None:
        self.gpg = gnupg.GPG(gnupghome=home)
        self.gpg.encoding = "utf-8"
        self.receiver = self._key("Receiver", PASSPHRASE)
        self.open = self._key("Open", "")
        self.sender = self._key("Sender", "")

    def _key(self, name: str, passphrase: str) -> str:
        options = {"key_type": "EDDSA", "key_curve": "ed25519", "subkey_type": "ECDH", "subkey_curve": "cv25519"}
        protection = {"passphrase": passphrase} if passphrase else {"no_protection": True}
        made = self.gpg.gen_key(
            self.gpg.gen_key_input(name_real=name, name_email=f"{name}@x.org", **options, **protection)
        )
        assert made.fingerprint, made.stderr
        return str(made.fingerprint)

    def private(self, key: str, passphrase: str = "") -> Secret:
        return Secret(
            self.gpg.export_keys(key, True, passphrase=passphrase or None, expect_passphrase=bool(passphrase))
        )

    def public(self, key: str) -> str:
        return str(self.gpg.export_keys(key))

    def message(self, data: bytes, key: str, *, armour: bool = False, sign: bool = False) -> bytes:
        made = self.gpg.encrypt(data, key, sign=self.sender if sign else None, armor=armour, always_trust=True)
        assert made.ok, made.stderr
        return bytes(made.data)


@pytest.fixture(scope="module")
def keys() -> Iterator[Keys]:
    with tempfile.TemporaryDirectory(prefix="gpg", ignore_cleanup_errors=True) as home:
        yield Keys(home)
        subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=False, capture_output=True)


def with_keys(job: Importer, **given: object) -> Importer:
    return replace(job, authorization=job.authorization.model_copy(update=given))


@pytest.mark.parametrize("wrapped", [False, True], ids=["armoured", "gzip inside and outside"])
def test_an_encrypted_file_is_read_with_the_private_key(
    storage: Storage, importer: Make, keys: Keys, wrapped: bool
) -> None:
    message = keys.message(gzip.compress(CSV) if wrapped else CSV, keys.receiver, armour=not wrapped)
    storage.put("x.csv.pgp", gzip.compress(message) if wrapped else message)
    key, word = keys.private(keys.receiver, PASSPHRASE), Secret(PASSPHRASE)
    job = with_keys(importer(filename="x.csv.pgp"), pgpprivatekey=key, pgppassphrase=word)
    assert job.run().counts["imported"] == 5000
    mine = f"lyazure-gpg-{os.getpid()}-*"
    assert [*Path("/dev/shm").glob(mine), *Path(tempfile.gettempdir()).glob(mine)] == []


def test_a_key_without_a_passphrase_and_a_key_pasted_as_one_line_do(
    storage: Storage, importer: Make, keys: Keys
) -> None:
    storage.put("x.csv", keys.message(CSV, keys.open))
    key = keys.private(keys.open).reveal()
    for spelled in (key, key.replace("\n", " "), key.replace("\n", "\r\n")):
        job = with_keys(importer(filename="x.csv"), pgpprivatekey=Secret(spelled))
        assert job.rehearse().columns == ("id", "name")
    assert lines_of("no key") == "no key"


def test_a_wrong_key_or_passphrase_is_told_as_such(storage: Storage, importer: Make, keys: Keys) -> None:
    storage.put("x.csv", keys.message(CSV, keys.receiver))
    job = importer(filename="x.csv")
    key = keys.private(keys.receiver, PASSPHRASE)
    for given, words in (
        ({"pgpprivatekey": keys.private(keys.open)}, "encrypted for another key"),
        ({"pgpprivatekey": key, "pgppassphrase": Secret("wrong")}, "passphrase"),
        ({"pgpprivatekey": key}, "passphrase"),
        ({"pgpprivatekey": Secret(keys.public(keys.receiver))}, "no private key"),
    ):
        with pytest.raises(BadConfiguration, match=words) as caught:
            with_keys(job, **given).run()
        assert PASSPHRASE not in str(caught.value)
        assert job.workspace.streams() == []


def test_a_message_that_was_cut_or_changed_imports_nothing(storage: Storage, importer: Make, keys: Keys) -> None:
    message = keys.message(CSV * 20, keys.open)
    changed = bytearray(message)
    changed[len(changed) // 2] ^= 1
    for data in (message[:-20], message[: len(message) // 2], bytes(changed)):
        storage.put("x.csv", data)
        job = with_keys(importer(filename="x.csv"), pgpprivatekey=keys.private(keys.open))
        with pytest.raises(Fatal, match="nothing of it was imported"):
            job.run()
        assert job.workspace.streams() == []


def test_a_signature_is_asked_for_where_the_signers_key_is_given(storage: Storage, importer: Make, keys: Keys) -> None:
    key, signer = keys.private(keys.open), keys.public(keys.sender)
    storage.put("signed.csv", keys.message(CSV, keys.open, sign=True))
    storage.put("bare.csv", keys.message(CSV, keys.open))
    good = with_keys(importer(filename="signed.csv"), pgpprivatekey=key, pgpsignerkey=signer)
    assert good.run().counts["imported"] == 5000
    bare = with_keys(importer(filename="bare.csv", stream="t"), pgpprivatekey=key, pgpsignerkey=signer)
    with pytest.raises(Fatal, match="is not signed by the signer's key"):
        bare.run()
    other = with_keys(
        importer(filename="signed.csv", stream="t"), pgpprivatekey=key, pgpsignerkey=keys.public(keys.receiver)
    )
    with pytest.raises(Fatal, match="is not signed by the signer's key"):
        other.run()


def test_keys_are_tried_before_they_are_kept(storage: Storage, keys: Keys) -> None:
    Decryption(keys.private(keys.receiver, PASSPHRASE), Secret(PASSPHRASE)).check()
    with pytest.raises(BadConfiguration, match="cut off"):
        Decryption(Secret(keys.private(keys.open).reveal()[:300])).check()
    with pytest.raises(BadConfiguration, match="passphrase"):
        Decryption(keys.private(keys.receiver, PASSPHRASE), Secret("wrong")).check()
