"""Whatever is in events comes back from an exported file: by other readers, and by an import."""

from __future__ import annotations

import csv
import io
import os
import random
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import gnupg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lytics_azure_tui.errors import Fatal
from lytics_azure_tui.jobs.compress import gzipped, zipped
from lytics_azure_tui.jobs.encrypt import encrypted
from lytics_azure_tui.jobs.event_rows import EventRows
from lytics_azure_tui.jobs.row_pipe import csv_options, written
from lytics_azure_tui.lytics.duck import database, literal
from tests.conftest import Storage
from tests.integration.exports import Exporter, Reader, Row, a_reader, event_exporter, opened, table
from tests.integration.imports import csv_importer

PLAIN = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
ODD = ["", "NULL", "null", "\\N", "nan", "9007199254740993", "-0", "1e999", '{"a": {"b": [1, "x"]}}', "a\x00b", "﻿x"]
TEXT = st.one_of(
    st.none(),
    st.sampled_from(ODD),
    st.text(st.sampled_from("ab,;\"\n\r\t='# ü😀"), max_size=8),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
)
COLUMNS = st.lists(
    st.text(st.sampled_from('aB_,"\n =é'), min_size=1, max_size=5), min_size=1, max_size=4, unique_by=str.casefold
)


@st.composite
def streams(draw: st.DrawFn) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for name in draw(st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=3, unique=True)):
        columns = draw(COLUMNS)
        rows = draw(st.lists(st.tuples(*(TEXT for _ in columns)), min_size=1, max_size=6))
        found[name] = [dict(zip(columns, row, strict=True)) for row in rows]
    return found


@settings(max_examples=25, suppress_health_check=PLAIN)
@given(given_streams=streams())
def test_the_csv_module_reads_every_value_back(
    storage: Storage, tmp_path_factory: pytest.TempPathFactory, given_streams: dict[str, list[Row]]
) -> None:
    export = event_exporter(storage, tmp_path_factory.mktemp("w"))
    for name, rows in given_streams.items():
        export.add(name, rows)
    header, *found = table(text_of(export))
    folded = [name.casefold() for name in header]
    expected = []
    for name in sorted(given_streams):
        for row in given_streams[name]:
            values = {column.casefold(): value for column, value in row.items()}
            line = ["2026-01-01T00:00:00.000000Z", name, *(values.get(column) or "" for column in folded[2:])]
            expected.append(line)
    assert found == expected
    assert len(set(folded)) == len(folded)


def text_of(export: Exporter) -> bytes:
    """A file's text, without a storage account."""
    found = {info.name: export.workspace.events(info.name) for info in export.workspace.streams()}
    rows = EventRows.of({name: files for name, files in found.items() if files is not None}, None, None)
    with database(memory=128 << 20) as connection:
        copies = ((query, csv_options(header=index == 0)) for index, query in enumerate(rows.queries(connection)))
        return b"".join(written(connection, copies))


def test_empty_text_and_no_value_are_told_apart(storage: Storage, tmp_path: Path) -> None:
    export = event_exporter(storage, tmp_path)
    export.add("s", [{"a": "", "b": None, "c": "x"}])
    assert text_of(export).splitlines()[1] == b'2026-01-01T00:00:00.000000Z,s,"",,x'


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    with a_reader() as found:
        yield found


@pytest.mark.parametrize("compress", ["none", "gzip", "zip"])
@pytest.mark.parametrize("hidden", [False, True])
def test_what_was_exported_and_opened_is_imported_as_the_same_events(
    storage: Storage, tmp_path: Path, reader: Reader, compress: str, hidden: bool
) -> None:
    draw = random.Random(5)
    letters = 'ab,"\n\r\t= ü😀'
    rows: list[Row] = [
        {
            "id": str(number),
            "text": None if number % 7 == 0 else "".join(draw.choices(letters, k=number % 9)),
            "odd": ODD[number % 9],
        }
        for number in range(500)
    ]
    times = [f"2026-01-01T00:{number % 60:02}:00.{number:06}Z" for number in range(500)]
    export = event_exporter(storage, tmp_path / "from", compress=compress, filename="out")
    (tmp_path / "from").mkdir()
    export.public_key = reader.public if hidden else None
    export.add("s", rows, times)
    export.run()
    (name,) = export.names()
    if hidden:
        data = export.read(name)
        name = f"opened/{name}"
        storage.put("opened/out.csv", opened(name, data, reader))
        name = "opened/out.csv"
    importer = csv_importer(
        storage,
        tmp_path / "to",
        {"filename": name, "timestamp_field": "_event_time_2", "fields": ["id", "text", "odd"]},
    )
    (tmp_path / "to").mkdir()
    outcome = importer.run()
    assert outcome.counts["quarantined"] == 0
    found = importer.rows('id, "text", odd, _event_time')
    assert len(found) == 500
    clock = [datetime.fromisoformat(time).replace(tzinfo=UTC) for time in times]
    assert [row[:3] for row in found] == [(row["id"], row["text"], row["odd"]) for row in rows]
    assert [datetime.fromisoformat(f"{row[3]}:00") for row in found] == clock


# The steps by themselves


@settings(max_examples=25)
@given(pieces=st.lists(st.binary(max_size=2000), max_size=20), threads=st.integers(1, 3))
def test_compressed_pieces_are_whole(pieces: list[bytes], threads: int) -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    whole = b"".join(pieces)
    zipped_whole = b"".join(zipped(iter(pieces), "x.csv", moment))
    assert opened("x.csv.zip", zipped_whole) == whole
    if whole:
        assert opened("x.csv.gz", b"".join(gzipped(iter(pieces), threads))) == whole


def test_large_content_is_compressed_in_members_and_is_the_same_each_time() -> None:
    pieces = [random.Random(number).randbytes(500_000) for number in range(20)]
    first, second = (b"".join(gzipped(iter(pieces), threads)) for threads in (1, 3))
    assert first == second
    assert first.count(b"\x1f\x8b\x08\x00\x00\x00\x00\x00") >= 4
    assert opened("x.gz", first) == b"".join(pieces)


def test_encrypting_keeps_nothing_in_memory_or_on_the_disk(reader: Reader, tmp_path: Path) -> None:
    seen: set[str] = set()
    taken = 0

    def content() -> Iterator[bytes]:
        for number in range(60):
            # No more than what pipes and gpg itself hold is under way.
            assert number * (1 << 20) - taken < 4 << 20
            seen.update(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
            yield os.urandom(1 << 20)

    for piece in encrypted(content(), reader.public, tmp_path):
        taken += len(piece)
    assert taken > 60 << 20
    assert not any(path.stat().st_size > 100_000 for path in tmp_path.rglob("*") if path.is_file())
    assert [path.name for path in tmp_path.iterdir()] == ["gpg.log"], "its home is gone"


def test_a_source_that_fails_leaves_no_gpg_and_no_message(reader: Reader, tmp_path: Path) -> None:
    def content() -> Iterator[bytes]:
        yield b"x" * 3_000_000
        raise ConnectionError("the source is gone")

    with pytest.raises(ConnectionError, match="the source is gone"):
        list(encrypted(content(), reader.public, tmp_path))
    assert not any("--homedir" in line and str(tmp_path) in line for line in processes())


def test_whoever_stops_reading_ends_gpg(reader: Reader, tmp_path: Path) -> None:
    def endless() -> Iterator[bytes]:
        while True:
            yield bytes(1 << 20)

    started = time.monotonic()
    with closing(encrypted(endless(), reader.public, tmp_path)) as pieces:
        next(iter(pieces))
    assert time.monotonic() - started < 20
    assert not any("--homedir" in line and str(tmp_path) in line for line in processes())


def test_a_key_that_gpg_does_not_take_is_an_error(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="gpg", ignore_cleanup_errors=True) as home:
        gpg = gnupg.GPG(gnupghome=home)
        text = gpg.gen_key_input(
            name_email="signs@example.com", no_protection=True, key_type="EDDSA", key_curve="ed25519"
        )
        signing = str(gpg.export_keys(gpg.gen_key(text).fingerprint))
        with pytest.raises(Fatal, match=r"gpg could not encrypt the file.*nusable public key"):
            list(encrypted(iter([b"x"] * 1000), signing, tmp_path))
        subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=False, capture_output=True)


def processes() -> list[str]:
    lines = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            lines.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return lines


def test_a_query_that_fails_fails_the_file() -> None:
    queries = ["SELECT 1 AS a", f"SELECT error({literal('no')}) AS a"]
    with database(memory=64 << 20) as connection, pytest.raises(Exception, match="no"):
        list(written(connection, ((query, csv_options()) for query in queries)))


def test_whoever_stops_reading_ends_the_query() -> None:
    before = threading.active_count()
    with database(memory=64 << 20) as connection:
        copies = [("SELECT range AS a, repeat('x', 1000) AS b FROM range(100000000000)", csv_options())]
        started = time.monotonic()
        with closing(written(connection, copies)) as pieces:
            next(iter(pieces))
        assert time.monotonic() - started < 20
    assert threading.active_count() <= before


def test_the_rows_are_counted() -> None:
    counted: list[int] = []
    with database(memory=64 << 20) as connection:
        copies = [("SELECT range AS a FROM range(7)", csv_options(header=True)), ("SELECT 8 AS a", csv_options())]
        text = b"".join(written(connection, copies, counted.append))
    assert counted == [7, 1]
    assert list(csv.reader(io.StringIO(text.decode()))) == [["a"], *([str(n)] for n in range(7)), ["8"]]
