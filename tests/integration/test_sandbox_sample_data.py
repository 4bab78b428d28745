"""The sample data looks like a shop's, holds one of each kind of file, and is the same wherever it is made."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import zipfile
from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import cast

import duckdb
import pytest
from azure.storage.blob import BlobServiceClient

from lytics_azure_tui.azure.upload import Uploader
from lytics_azure_tui.sandbox import sample_data
from lytics_azure_tui.sandbox.azurite import Azurite
from lytics_azure_tui.sandbox.sample_data import SampleFile, fill, sample_files

Files = Mapping[tuple[str, str], SampleFile]


def made(scratch: Path) -> Files:
    scratch.mkdir()
    return {(file.container, file.name): file for file in sample_files(scratch)}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return made(tmp_path_factory.mktemp("samples") / "scratch")


def content(file: SampleFile) -> bytes:
    return file.data.read_bytes() if isinstance(file.data, Path) else file.data


def rows(data: bytes, encoding: str = "utf-8", delimiter: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode(encoding), newline=""), delimiter=delimiter))


def named(files: Files, beginning: str) -> list[SampleFile]:
    return [file for (_, name), file in files.items() if name.startswith(beginning)]


def test_it_is_three_containers_with_hundreds_of_files_in_folders(files: Files) -> None:
    assert {container for container, _ in files} == set(sample_data.CONTAINERS)
    assert len([name for _, name in files if "/" in name]) >= 200


def test_it_is_the_same_each_time(files: Files, tmp_path: Path) -> None:
    def digests(files: Files) -> dict[tuple[str, str], str]:
        return {key: hashlib.sha256(content(file)).hexdigest() for key, file in files.items()}

    assert digests(made(tmp_path / "again")) == digests(files)


def test_it_is_the_same_on_every_machine(files: Files) -> None:
    first, last = named(files, "customers/")[0], named(files, "customers/")[-1]
    assert [hashlib.sha256(content(file)).hexdigest()[:16] for file in (first, last)] == [
        "ac2b06e2b48cbdea",
        "4227678bc3e350a6",
    ]


def test_the_customers_are_dumped_daily_and_one_in_a_hundred_changes(files: Files) -> None:
    dumps = named(files, "customers/")
    days = [datetime.strptime(file.name, "customers/customers_%Y%m%d.csv") for file in dumps]  # noqa: DTZ007 -- a day
    assert len(days) >= 14
    assert {later - day for day, later in pairwise(days)} == {timedelta(days=1)}
    before: dict[str, list[str]] = {}
    for dump in dumps:
        header, *body = rows(content(dump))
        now = {row[0]: row for row in body}
        assert header[0] == "customer_id"
        assert len(now) == len(body)
        if before:
            changed = sum(1 for key, row in now.items() if key in before and row != before[key])
            assert 0.005 < changed / len(now) < 0.02
            assert now.keys() - before.keys()
            assert before.keys() - now.keys()
        before = now


def test_the_members_carry_unix_times_in_their_names(files: Files) -> None:
    stamps = [int(file.name.removeprefix("loyalty/members-").removesuffix(".csv")) for file in named(files, "loyalty/")]
    assert len(stamps) >= 14
    assert {later - stamp for stamp, later in pairwise(stamps)} == {6 * 3600}


def test_it_holds_one_of_each_kind_of_file(files: Files) -> None:
    stores = rows(content(files["crm", "partners/stores.tsv"]), delimiter="\t")
    assert {len(row) for row in stores} == {6}

    utf16 = content(files["crm", "partners/Händlerkontakte.csv"])
    assert utf16[:2] == b"\xff\xfe"
    assert {len(row) for row in rows(utf16, "utf-16", ";")} == {6}

    survey = rows(gzip.decompress(content(files["crm", "surveys/nps_2026-Q2.csv.gz"])))
    assert survey[0] == ["email", "score", "answered_at"]

    with zipfile.ZipFile(io.BytesIO(content(files["archive", "orders/2024/orders_2024-05.csv.zip"]))) as archive:
        assert archive.namelist() == ["orders_2024-05.csv"]

    feedback = content(files["crm", "surveys/feedback.csv"])
    assert len(feedback.splitlines()) > len(rows(feedback)) > 100
    assert {len(row) for row in rows(feedback)} == {4}


def test_the_old_contacts_have_rows_that_cannot_be_used(files: Files) -> None:
    header, *body = rows(content(files["crm", sample_data.RAGGED]))
    assert len([row for row in body if len(row) > len(header)]) == 3
    assert len([row for row in body if len(row) < len(header)]) == 2
    whole = [row for row in body if len(row) == len(header)]
    assert len([row for row in whole if not row[-1].startswith(("2025-", "2026-"))]) == 2


def test_the_large_file_has_a_million_rows_in_the_order_of_their_time(files: Files) -> None:
    path = cast(Path, files["web", sample_data.WEB_EVENTS].data)
    with path.open() as file:
        assert len(file.readline().split(",")) == 10
    found = duckdb.execute(
        "SELECT count(*), count(DISTINCT event_id), bool_and(before IS NULL OR event_time >= before) FROM ("
        "SELECT *, lag(event_time) OVER (ORDER BY event_id) AS before "
        "FROM read_csv($path, types = {'event_time': 'TIMESTAMPTZ'}))",
        {"path": str(path)},
    ).fetchone()
    assert found == (1_000_000, 1_000_000, True)


def test_filling_a_storage_account_puts_all_of_it_there(files: Files, tmp_path: Path) -> None:
    with Azurite(tmp_path) as azurite, Uploader(azurite.connection) as uploader:
        assert fill(uploader, lambda words: None) == len(files)
        with BlobServiceClient.from_connection_string(azurite.connection_string.reveal()) as service:
            there = {
                (container, blob.name): blob.size
                for container in sample_data.CONTAINERS
                for blob in service.get_container_client(container).list_blobs()
            }
    assert there == {key: len(content(file)) for key, file in files.items()}
