"""A storage account as a shop might have it. Every cell of it is the same on every machine and on every day.

Three containers: crm (dumps of customers and members, lists from partners), web (page views by day and hour, a file of
a million events) and archive (orders of past years, packed). Among them is one of each kind of file that an import
meets.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import zipfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from lytics_azure_tui.azure.upload import Uploader
from lytics_azure_tui.sandbox import people
from lytics_azure_tui.sandbox.web_events import write_web_events

VERSION = 1
"""Changes whenever a byte of the data does."""

FIRST_DAY = date(2026, 6, 1)
DAYS = 21
CUSTOMERS = "customers/customers_{day:%Y%m%d}.csv"
CUSTOMER_ROWS = 20_000
WEB_EVENTS = "exports/web_events.csv"
WEB_EVENT_ROWS = 1_000_000
RAGGED = "imports/legacy_contacts.csv"
CONTAINERS = ("crm", "web", "archive")


@dataclass(frozen=True, slots=True)
class SampleFile:
    """One blob: its content, or the local file that holds it."""

    container: str
    name: str
    data: bytes | Path
    content_type: str = "text/csv"


def fill(uploader: Uploader, say: Callable[[str], None]) -> int:
    """Writes all of the data into a storage account, over what is there. Returns the number of blobs."""
    say(f"Filling three containers, one file of {WEB_EVENT_ROWS:,} rows among them…")
    for container in CONTAINERS:
        uploader.create_container(container)

    def put(file: SampleFile) -> None:
        uploader.put(file.container, file.name, file.data, file.content_type)

    with TemporaryDirectory(prefix="lyazure-samples-") as scratch, ThreadPoolExecutor(4) as pool:
        return sum(1 for _ in pool.map(put, sample_files(Path(scratch))))


def sample_files(scratch: Path) -> Iterator[SampleFile]:
    """All files, in an order that never changes.

    Args:
        scratch: an empty folder for the content of the large ones.
    """
    yield from _large(scratch)
    yield from customers()
    yield from _members()
    yield from _partners()
    yield from _surveys()
    yield from _page_views()
    yield from _orders()
    yield from _other()


def _large(scratch: Path) -> Iterator[SampleFile]:
    path = scratch / "web_events.csv"
    write_web_events(path, rows=WEB_EVENT_ROWS, first_day=FIRST_DAY, days=DAYS)
    yield SampleFile("web", WEB_EVENTS, path)


def customers() -> Iterator[SampleFile]:
    """A full dump a day. From one day to the next about one row in a hundred changes, some come and some go."""
    random = Random("customers")
    rows = [people.customer(random, number, FIRST_DAY) for number in range(1, CUSTOMER_ROWS + 1)]
    number = CUSTOMER_ROWS
    for day in _days():
        if day != FIRST_DAY:
            for index in random.sample(range(len(rows)), len(rows) // 100):
                rows[index] = people.changed(random, rows[index], day)
            for index in sorted(random.sample(range(len(rows)), 12), reverse=True):
                del rows[index]
            for _ in range(random.randint(15, 40)):
                number += 1
                rows.append(people.customer(random, number, day))
        yield SampleFile("crm", CUSTOMERS.format(day=day), _csv([people.CUSTOMER_COLUMNS, *rows]))


def _members() -> Iterator[SampleFile]:
    """The loyalty programme's changes, every six hours; a Unix time in the name."""
    random = Random("members")
    start = datetime(2026, 6, 1, tzinfo=UTC)
    for moment in (start + timedelta(hours=6 * step) for step in range(28)):
        rows = [people.member(random, moment) for _ in range(random.randint(80, 240))]
        name = f"loyalty/members-{moment.timestamp():.0f}.csv"
        yield SampleFile("crm", name, _csv([people.MEMBER_COLUMNS, *rows]))


def _partners() -> Iterator[SampleFile]:
    """Lists from elsewhere, each written in its own manner."""
    random = Random("partners")
    stores = [people.store(random, number) for number in range(1, 181)]
    yield SampleFile("crm", "partners/stores.tsv", _csv([people.STORE_COLUMNS, *stores], delimiter="\t"))
    contacts = [people.contact(random, number) for number in range(1, 1501)]
    utf16 = codecs.BOM_UTF16_LE + _csv([people.CONTACT_COLUMNS, *contacts], delimiter=";").decode().encode("utf-16-le")
    yield SampleFile("crm", "partners/Händlerkontakte.csv", utf16)
    yield SampleFile("crm", RAGGED, _ragged(random))


def _ragged(random: Random) -> bytes:
    """An old system's export: a few rows have a field too many or too few, and one has a date that is none."""
    lines = (
        _csv([people.CONTACT_COLUMNS, *(people.contact(random, n) for n in range(5001, 7001))]).decode().splitlines()
    )
    for line in (240, 811, 1502):
        lines[line] += ",imported twice"
    for line in (377, 1290):
        lines[line] = lines[line].rpartition(",")[0].rpartition(",")[0]
    for line, words in ((655, "31.02.2026 25:61"), (1733, "unknown")):
        lines[line] = f"{lines[line].rpartition(',')[0]},{words}"
    return "\n".join([*lines, ""]).encode()


def _surveys() -> Iterator[SampleFile]:
    random = Random("surveys")
    answers = [people.answer(random, date(2026, 4, 1)) for _ in range(6000)]
    yield SampleFile(
        "crm", "surveys/nps_2026-Q2.csv.gz", _gzip(_csv([people.ANSWER_COLUMNS, *answers])), "application/gzip"
    )
    feedback = [people.feedback(random, number, FIRST_DAY) for number in range(1, 801)]
    yield SampleFile("crm", "surveys/feedback.csv", _csv([people.FEEDBACK_COLUMNS, *feedback]))


def _page_views() -> Iterator[SampleFile]:
    """Small files in a folder a day."""
    random = Random("page views")
    for day in _days()[:14]:
        for hour in range(0, 24, 2):
            rows = [people.page_view(random, day, hour) for _ in range(random.randint(20, 120))]
            name = f"pageviews/{day:%Y/%m/%d}/{hour:02}.csv"
            yield SampleFile("web", name, _csv([people.PAGE_VIEW_COLUMNS, *rows]))


def _orders() -> Iterator[SampleFile]:
    """A packed file a month: zip two years ago, gzip since."""
    random = Random("orders")
    for year in (2024, 2025):
        for month in range(1, 13):
            rows = [people.order(random, year, month) for _ in range(random.randint(300, 500))]
            name, data = f"orders_{year}-{month:02}.csv", _csv([people.ORDER_COLUMNS, *rows])
            if year == 2024:
                yield SampleFile("archive", f"orders/{year}/{name}.zip", _zip(name, data), "application/zip")
            else:
                yield SampleFile("archive", f"orders/{year}/{name}.gz", _gzip(data), "application/gzip")


def _other() -> Iterator[SampleFile]:
    """What lies about in every storage account."""
    yield SampleFile("archive", "README.txt", b"Orders of past years, a file a month.\n", "text/plain")
    yield SampleFile("archive", "empty/nothing_yet.csv", b"")
    yield SampleFile("archive", "empty/header_only.csv", _csv([people.ORDER_COLUMNS]))
    rows = [("sku", "old", "new"), ("4711", "9.90", "7.90"), ("4712", "19.90", "14.90")]
    yield SampleFile("crm", "campaigns/[2026] Summer & sun/price changes.csv", _csv(rows))


def _days() -> list[date]:
    return [FIRST_DAY + timedelta(days=step) for step in range(DAYS)]


def _csv(rows: Sequence[people.Row], delimiter: str = ",") -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def _gzip(data: bytes) -> bytes:
    return gzip.compress(data, compresslevel=6, mtime=0)


def _zip(name: str, data: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        entry = zipfile.ZipInfo(name, date_time=(2025, 1, 2, 3, 4, 6))
        entry.compress_type = zipfile.ZIP_DEFLATED
        archive.writestr(entry, data)
    return packed.getvalue()
