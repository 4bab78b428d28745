"""Files in many encodings, from a real storage account into a stream: nothing garbled, nothing altered, all told."""

from __future__ import annotations

import bz2
import codecs
import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from lytics_azure_tui.errors import Fatal
from lytics_azure_tui.jobs.quarantine import remove
from lytics_azure_tui.jobs.unpack import HEAD
from tests.conftest import Storage
from tests.integration.imports import Importer

Make = Callable[..., Importer]
NO_TEXT = "holds bytes that are no text in the file's encoding"
ASCII = "".join(f"{number},Ada Lovelace\n" for number in range(HEAD // 12))


def names(job: Importer) -> list[str]:
    return [name for (name,) in job.rows("name")]


@pytest.mark.parametrize("at", ["first", "in the middle", "behind what is looked at", "last"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress], ids=["plain", "gzip", "bzip2"])
def test_a_bad_byte_costs_its_row_of_a_utf_8_file_and_no_other(
    storage: Storage, importer: Make, at: str, pack: Callable[[bytes], bytes]
) -> None:
    good = "id,name\n1,Zoë\n" + "2,Łukasz\n" * 30_000 + "3,佐藤\n"
    place = {
        "first": len("id,name\n"),
        "in the middle": len("id,name\n1,Zoë\n"),
        "behind what is looked at": len(good) - len("3,佐藤\n"),
        "last": len(good),
    }[at]
    storage.put("x", pack(good[:place].encode() + b"9,Ren\xe9e\n" + good[place:].encode()))
    job = importer(filename="x")
    assert job.run().counts == {"files": 1, "imported": 30_002, "quarantined": 1}
    assert set(names(job)) == {"Zoë", "Łukasz", "佐藤"}
    (row,) = job.quarantined()
    assert (row.raw, row.reason) == (b"9,Ren\xe9e", NO_TEXT)


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize("encoding", ["cp1252", "utf-8", "cp932"])
def test_the_first_letter_beyond_ascii_may_come_late(
    storage: Storage, importer: Make, encoding: str, pack: Callable[[bytes], bytes]
) -> None:
    late = "佐藤,山田,高橋,田中" if encoding == "cp932" else "Renée,Müller,Lefèvre,Sørensen"
    rows = "".join(f"9,{name}\n" for name in late.split(","))
    storage.put("x", pack(("id,name\n" + ASCII + rows + "1,x\n").encode(encoding)))
    job = importer(filename="x")
    assert job.run().counts["quarantined"] == 0
    assert set(late.split(",")) <= set(names(job))


@pytest.mark.parametrize(
    ("encoding", "bad"),
    [
        ("cp1252", "2,Müller\x81,x".encode("latin1")),
        ("cp932", b"2,\xfb\xfc\x8b\xb4\x81,x"),
        ("gb18030", "2,张".encode("gb18030") + b"\xff,x"),
        ("utf-16-le", "2,佐藤".encode("utf-16-le") + b"\x00\xd8" + ",x".encode("utf-16-le")),
        ("utf-8", b"2,M\xfcller,x"),
        ("cp1251", "2,Иван,x".encode("cp1251")),
    ],
)
def test_raw_bytes_in_quarantine_are_those_of_the_blob(
    storage: Storage, importer: Make, encoding: str, bad: bytes
) -> None:
    end = "\n".encode(encoding)
    storage.put("x", "id,name\n1,Zo\n".encode(encoding) + bad + end + "3,y\n".encode(encoding))
    job = importer(filename="x", encoding=encoding)
    assert job.run().counts["quarantined"] == 1
    (row,) = job.quarantined()
    assert (row.raw, row.encoding, row.line) == (bad, encoding, 3)
    assert "\ufffd" in row.text or encoding == "cp1251"


def test_a_replay_reads_the_rows_in_the_encoding_that_the_job_has_by_then(storage: Storage, importer: Make) -> None:
    storage.put("x", b"id,name\n1,Zo\xc3\xab\n2,Ren\xe9e\n3,Gr\xfc\xdfe,4\n4,\x93ok\x94\n")
    job = importer(filename="x", encoding="utf-8")
    assert job.run().counts == {"files": 1, "imported": 1, "quarantined": 3}
    mended = job.with_settings(encoding="cp1252")
    folders = job.folders()
    assert mended.run(replay=folders).counts == {"files": 1, "imported": 2, "quarantined": 1}
    assert mended.rows("name, _row") == [("Zoë", 1), ("Renée", 2), ("“ok”", 4)]
    (left,) = mended.quarantined()
    assert (left.raw, left.text) == (b"3,Gr\xfc\xdfe,4", "3,Grüße,4")


def test_a_replay_can_undo_a_wrong_choice_of_a_wide_encoding(storage: Storage, importer: Make) -> None:
    storage.put("x", "名前,id\n佐藤,1,2\n鈴木,2\n".encode("cp932"))
    job = importer(filename="x", encoding="cp1252")
    job.run()
    (row,) = job.quarantined()
    assert row.raw == "佐藤,1,2".encode("cp932")
    again = job.with_settings(encoding="shift_jis_2004").with_settings(encoding="cp932")
    assert again.plan().parts[0].spec["encoding"] == "cp932"
    again.run(replay=job.folders())
    assert again.quarantined()[0].text == "佐藤,1,2"


@pytest.mark.parametrize("named", ["utf-16", "UTF-16", "u16", "auto"])
@pytest.mark.parametrize("written", ["utf-16", "utf-16-be", "utf-16-le"])
def test_utf_16_may_be_named_by_any_name(storage: Storage, importer: Make, named: str, written: str) -> None:
    if written == "utf-16-be" and named != "auto":
        storage.put("x", codecs.BOM_UTF16_BE + "id,name\n1,Zoë\n".encode(written))
    else:
        storage.put("x", "id,name\n1,Zoë\n".encode(written))
    job = importer(filename="x", encoding=named)
    job.run()
    assert job.rows("id, name") == [("1", "Zoë")]


@pytest.mark.parametrize("named", ["auto", "UTF-8", "utf8", "utf_8_sig", "ascii", "U8"])
def test_marks_of_utf_8_are_taken_off_by_whatever_name(storage: Storage, importer: Make, named: str) -> None:
    for run, marks in enumerate((0, 1, 2)):
        storage.put(f"{run}.csv", codecs.BOM_UTF8 * marks + f"id,name\n{run},Zoë\n".encode())
        job = importer(filename=f"{run}.csv", encoding=named)
        job.runs = run
        job.run()
    assert job.rows("id, name") == [("0", "Zoë"), ("1", "Zoë"), ("2", "Zoë")]


def test_what_was_chosen_and_why_is_told_and_a_guess_is_a_warning(storage: Storage, importer: Make) -> None:
    storage.put("sure", "id,name\n1,Müller\n2,Groß\n3,Renée\n4,Günther\n".encode("cp1252"))
    storage.put("unsure", "id,name\n1,Dvořák\n2,Novák\n".encode("cp1250"))
    sure, unsure = importer(filename="sure"), importer(filename="unsure")
    plan = sure.plan()
    assert plan.notes == ("sure is read as cp1252 (its letters are those of German)",)
    assert plan.warnings == ()
    assert "cp1252 (its letters are those of German)" in sure.rehearse().items[0][1]
    plan = unsure.plan()
    assert plan.notes == ()
    assert len(plan.warnings) == 1
    assert "cp1252 (a guess" in plan.warnings[0]
    assert "cp1250" in plan.warnings[0]
    assert set(plan.warnings) <= set(unsure.rehearse().notes)


def put_days(storage: Storage, days: dict[int, bytes]) -> None:
    for day, content in days.items():
        storage.put(f"c_202601{day:02}.csv", b"id,name\n" + content)


def test_a_repeating_job_keeps_the_encoding_of_its_first_file(storage: Storage, importer: Make) -> None:
    put_days(storage, {1: "1,Lefèvre\n2,Sørensen\n3,Núñez\n4,Müller\n".encode("cp1252")})
    job = importer(filename="c_20260101.csv", continuous_update=True, diff=True)
    job.run()
    # These bytes by themselves look Czech.
    put_days(
        storage, {2: "1,Lefèvre\n2,Sørensen\n3,Núñez\n4,Müller\n5,Dvoøák\n6,Jiøí\n7,Nìmec\n8,Ada\n".encode("cp1252")}
    )
    assert job.run().counts["imported"] == 4
    put_days(storage, {3: b"1,Ada\n"})
    job.run()
    assert "Nìmec" in names(job)
    put_days(storage, {4: "1,Lefèvre\n2,Zoë\n".encode()})
    with pytest.raises(Fatal, match=r"c_20260104\.csv is not in cp1252 as the files before it"):
        job.run()
    named = job.with_settings(encoding="utf-8")
    named.run()
    assert "Zoë" in names(named)


def test_files_of_ascii_decide_nothing_for_those_behind_them(storage: Storage, importer: Make) -> None:
    put_days(
        storage,
        {1: b"1,Ada\n", 2: "2,Müller\n3,Groß\n4,Jürgen\n5,Zoë\n".encode("cp1252"), 3: "5,Håkan\n".encode("cp1252")},
    )
    job = importer(filename="c_20260101.csv", continuous_update=True)
    job.run()
    assert names(job) == ["Ada", "Müller", "Groß", "Jürgen", "Zoë", "Håkan"]
    assert job.checkpoint is not None
    assert job.checkpoint["encoding"] == "cp1252"


def test_a_person_is_removed_from_quarantine_whatever_the_encoding(storage: Storage, importer: Make) -> None:
    for run, encoding in enumerate(("cp932", "utf-16-le", "utf-8")):
        rows = "id,name\n1,佐藤,x\n2,佐藤花子,x\n3,鈴木,x\n" if encoding != "utf-8" else "id,name\n1,佐藤,x\n2,鈴木,x\n"
        storage.put(f"{run}.csv", rows.encode(encoding))
        job = importer(filename=f"{run}.csv", encoding=encoding)
        job.runs = run
        job.run()
        (folder,) = job.folders()
        before = len(job.quarantined())
        assert remove(Path(folder), ["佐藤"]) == 1
        assert "佐藤" not in [row.text.split(",")[1] for row in job.quarantined()]
        assert len(job.quarantined()) == before - 1
