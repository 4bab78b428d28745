"""Events of streams as files in Blob Storage, read back by the csv module, gzip, zipfile and gpg."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path

import pytest

from lytics_azure_tui.errors import BadConfiguration, Cancelled, Fatal, StartOver
from lytics_azure_tui.jobs.kind import load
from lytics_azure_tui.lytics.duck import database, read_parquet
from lytics_azure_tui.lytics.stream_file import write
from lytics_azure_tui.lytics.workspace.streams import Streams
from tests.conftest import Storage
from tests.delta import live_files
from tests.integration.exports import Exporter, Reader, Row, a_reader, event_exporter, opened, table

WEB: list[Row] = [{"user": "ada", "page": "/"}, {"user": "bob", "page": None}, {"user": "", "page": "/cart"}]
WEB_TEXT = (
    b"_event_time,_stream,user,page\n"
    b"2026-01-01T00:00:00.000000Z,web,ada,/\n"
    b"2026-01-01T00:00:00.000000Z,web,bob,\n"
    b'2026-01-01T00:00:00.000000Z,web,"",/cart\n'
)


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    with a_reader() as found:
        yield found


@pytest.fixture
def exporter(storage: Storage, tmp_path: Path) -> Callable[..., Exporter]:
    return lambda **settings: event_exporter(storage, tmp_path, **settings)


def test_the_events_of_a_stream_become_a_file(exporter: Callable[..., Exporter]) -> None:
    export = exporter(filename="/out/web-{TIMESTAMP}")
    export.add("web", WEB)
    outcome = export.run()
    assert outcome.about == f"3 events of web into {export.storage.container}/out/web-20260301120000.csv"
    assert export.names() == ["out/web-20260301120000.csv"]
    assert export.read("out/web-20260301120000.csv") == WEB_TEXT
    assert export.content_type("out/web-20260301120000.csv") == "text/csv; charset=utf-8"


def test_a_file_may_go_without_header(exporter: Callable[..., Exporter]) -> None:
    export = exporter(write_headers=False)
    export.add("web", WEB)
    export.run()
    assert export.read("lytics-events-20260301120000.csv") == WEB_TEXT.partition(b"\n")[2]


def test_columns_of_all_streams_are_united(exporter: Callable[..., Exporter]) -> None:
    export = exporter()
    export.add("web", [{"user": "ada", "page": "/"}])
    export.add("shop", [{"order": "7", "USER": "bob"}])
    export.add("web", [{"page": "/x", "_stream": "mine", "new": "n"}])
    export.run()
    assert table(export.read("lytics-events-20260301120000.csv")) == [
        ["_event_time", "_stream", "order", "USER", "page", "_stream_2", "new"],
        ["2026-01-01T00:00:00.000000Z", "shop", "7", "bob", "", "", ""],
        ["2026-01-01T00:00:00.000000Z", "web", "", "ada", "/", "", ""],
        ["2026-01-01T00:00:00.000000Z", "web", "", "", "/x", "mine", "n"],
    ]


def test_only_chosen_streams_are_exported(exporter: Callable[..., Exporter]) -> None:
    export = exporter(streams=["web", "later"])
    export.add("web", WEB)
    export.add("shop", [{"order": "7"}])
    assert "There is no stream later yet" in export.rehearse().notes
    export.run()
    assert export.read("lytics-events-20260301120000.csv") == WEB_TEXT


@pytest.mark.parametrize(
    ("compress", "encrypt", "first"), list(product(("none", "gzip", "zip"), (False, True), (False, True)))
)
def test_every_wrapping_is_undone_by_its_extensions(
    exporter: Callable[..., Exporter], reader: Reader, compress: str, encrypt: bool, first: bool
) -> None:
    export = exporter(compress=compress, compress_then_encrypt=first)
    export.public_key = reader.public if encrypt else None
    export.add("web", WEB)
    export.run()
    (name,) = export.names()
    extensions = {"none": "", "gzip": ".gz", "zip": ".zip"}[compress]
    if encrypt:
        extensions = f"{extensions}.pgp" if first else f".pgp{extensions}"
    assert name == f"lytics-events-20260301120000.csv{extensions}"
    data = export.read(name)
    if encrypt:
        assert b"ada" not in data
    assert opened(name, data, reader) == WEB_TEXT


def test_dates_hold_the_first_day_and_not_the_last(exporter: Callable[..., Exporter]) -> None:
    export = exporter(start_date="2026-01-02", end_date="2026-01-04")
    times = [
        "2026-01-01T23:59:59.999999Z",
        "2026-01-02T00:00:00Z",
        "2026-01-03T23:59:59.999999Z",
        "2026-01-04T00:00:00Z",
    ]
    export.add("web", [{"n": str(number)} for number in range(4)], times)
    export.add("web", [{"n": "5"}], "2025-12-31T00:00:00Z")
    export.run()
    assert [row[2] for row in table(export.read("lytics-events-20260301120000.csv"))] == ["n", "1", "2"]


def test_a_run_without_events_writes_no_file(exporter: Callable[..., Exporter]) -> None:
    export = exporter(end_date="2020-01-01", manifest="always")
    assert export.run().about == "there are no events to export: no file is written"
    export.add("web", WEB)
    assert export.run().about == "there are no events to export: no file is written"
    assert export.names() == []


def test_what_came_in_since_the_last_run_is_exported_however_old_it_is(exporter: Callable[..., Exporter]) -> None:
    export = exporter(continuous_update=True, manifest="never")
    export.add("web", [{"n": "1"}], "2026-02-01T00:00:00Z")
    export.run()
    export.add("web", [{"n": "2"}], "2020-01-01T00:00:00Z")
    export.add("shop", [{"n": "3"}])
    export.run()
    assert export.run().about == "there are no new events to export: no file is written"
    assert [[row[1:] for row in table(export.read(name))[1:]] for name in export.names()] == [
        [["web", "1"]],
        [["shop", "3"], ["web", "2"]],
    ]


def test_a_stream_that_is_chosen_later_comes_whole(exporter: Callable[..., Exporter]) -> None:
    export = exporter(continuous_update=True, streams=["web"], manifest="never")
    export.add("web", [{"n": "1"}])
    export.add("shop", [{"n": "2"}])
    export.run()
    export = export.with_settings(streams=["shop", "web"])
    export.run()
    assert table(export.read(export.names()[1]))[1:] == [["2026-01-01T00:00:00.000000Z", "shop", "2"]]


def test_changed_dates_begin_anew_and_say_so(exporter: Callable[..., Exporter]) -> None:
    export = exporter(continuous_update=True, start_date="2026-01-01", manifest="never")
    export.add("web", [{"n": "1"}, {"n": "0"}], ["2026-01-01T00:00:00Z", "2025-01-01T00:00:00Z"])
    export.run()
    export = export.with_settings(start_date="2025-01-01")
    assert "The container or the dates were changed: all events are exported once more" in export.rehearse().notes
    export.run()
    assert [row[2] for row in table(export.read(export.names()[1]))[1:]] == ["1", "0"]


def test_files_that_were_written_anew_bring_nothing_twice(exporter: Callable[..., Exporter]) -> None:
    """As when a person is forgotten: a file without that person's events takes the place of the one with them."""
    export = exporter(continuous_update=True, manifest="never")
    export.add("web", [{"n": "1"}, {"n": "2"}])
    export.run()
    rewrite(export, "web", "n <> '2'")
    assert export.run().about == "there are no new events to export: no file is written"
    export.add("web", [{"n": "3"}])
    rewrite(export, "web", "n <> '1'")
    export.run()
    assert table(export.read(export.names()[1]))[1:] == [["2026-01-01T00:00:00.000000Z", "web", "3"]]


def rewrite(export: Exporter, stream: str, keep: str) -> None:
    folder = export.workspace.staging(stream)
    with database(memory=256 << 20) as connection:
        for path in live_files(folder):
            columns = list(export.workspace.columns(stream))
            query = f"FROM {read_parquet([path])} WHERE {keep}"
            new = write(connection, query, folder / f"rewritten-{path.name}", columns)
            Streams(export.root / "workspace").replace(stream, f"rewrite-{path.name}", {path.name: new})


def test_a_manifest_says_what_is_in_a_file(exporter: Callable[..., Exporter]) -> None:
    export = exporter(continuous_update=True, compress="gzip")
    export.add("web", WEB, ["2026-01-03T00:00:00Z", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00.5Z"])
    export.run()
    name, beside = export.names()
    assert beside == f"{name}.manifest.json"
    data = export.read(name)
    assert export.manifest(name) == {
        "run": "run1",
        "blob": name,
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "fields": ["_event_time", "_stream", "user", "page"],
        "rows": 3,
        "streams": ["web"],
        "from": "2026-01-01T00:00:00+00:00",
        "to": "2026-01-03T00:00:00+00:00",
    }


def test_a_file_for_a_spreadsheet(exporter: Callable[..., Exporter]) -> None:
    export = exporter(defuse_formulas=True, byte_order_mark=True)
    values = ["=1+1", "+49 30 1", "-5", "+1.5", "-2+3", "@x", "\tx", "\rx", "a=b", "", None, "=a\nb"]
    export.add("web", [{"=v": value} for value in values])
    export.run()
    data = export.read("lytics-events-20260301120000.csv")
    assert data.startswith(b"\xef\xbb\xbf")
    assert [row[2] for row in table(data[3:])] == [
        *("'=v", "'=1+1", "'+49 30 1", "-5", "+1.5", "'-2+3", "'@x", "'\tx", "'\rx", "a=b", "", "", "'=a\nb"),
    ]


def test_a_dry_run_says_the_name_and_the_first_rows(exporter: Callable[..., Exporter]) -> None:
    export = exporter(continuous_update=True, compress="gzip", time_format="yyyy/MM/dd/HHmmss")
    export.add("web", WEB)
    found = export.rehearse()
    name = "lytics-events-2026/03/01/120000.csv.gz"
    assert found.items == ((name, "3 events, 4 columns"), (f"{name}.manifest.json", "what is in it"))
    assert found.columns == ("_event_time", "_stream", "user", "page")
    assert found.sample[1] == ("2026-01-01T00:00:00.000000Z", "web", "bob", None)
    assert export.names() == []


def test_a_key_that_cannot_be_used_is_said_before_anything_is_written(exporter: Callable[..., Exporter]) -> None:
    export = exporter()
    export.add("web", WEB)
    export.public_key = "-----BEGIN PGP PUBLIC KEY BLOCK-----\nabc\n-----END PGP PUBLIC KEY BLOCK-----"
    for ask in (export.rehearse, export.plan):
        with pytest.raises(BadConfiguration, match="gpg finds no key"):
            ask()


def test_a_blob_of_others_is_not_written_over(exporter: Callable[..., Exporter]) -> None:
    export = exporter(filename="x.csv")
    export.add("web", WEB)
    export.storage.put("x.csv", "theirs")
    for ask in (export.rehearse, export.plan):
        with pytest.raises(Fatal, match="was not written by this run"):
            ask()
    assert export.read("x.csv") == b"theirs"


def test_of_two_runs_at_once_one_writes_the_file(exporter: Callable[..., Exporter]) -> None:
    one, other = exporter(filename="x"), exporter(filename="x")
    one.add("web", WEB)
    one.runs, other.runs = 1, 2
    kind = load(one.job())
    plans = [export.plan() for export in (one, other)]
    results = [export.do(plan) for export, plan in zip((one, other), plans, strict=True)]
    kind.commit(one.context(), plans[0], results[0])
    with pytest.raises(Fatal, match=r"x\.csv is in the container .* already"):
        kind.commit(other.context(), plans[1], results[1])
    assert one.read("x.csv") == WEB_TEXT


def test_events_whose_files_were_written_anew_meanwhile_are_planned_anew(exporter: Callable[..., Exporter]) -> None:
    export = exporter(filename="x")
    run = export.add("web", WEB)
    plan = export.plan()
    (export.workspace.staging("web") / f"{run}-00000-00000.parquet").unlink()
    with pytest.raises(StartOver, match="Events could not be read"):
        export.do(plan)
    assert export.names() == []


def test_an_export_that_is_cancelled_ends_and_writes_nothing(
    exporter: Callable[..., Exporter], monkeypatch: pytest.MonkeyPatch
) -> None:
    export = exporter(compress="gzip")
    export.add("web", WEB)

    def cancelled() -> None:
        raise Cancelled("The run was cancelled")

    monkeypatch.setattr(export.sink, "check", cancelled)
    with pytest.raises(Cancelled):
        export.do(export.plan())
    assert export.names() == []
