"""Records examined side by side say what records examined one by one say."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lytics_azure_tui.jobs.csv_batch import NO_TEXT, Batch, Examiner, Shape
from lytics_azure_tui.jobs.csv_records import Piece, Splitter, records


def pieces(data: bytes, shape: Shape) -> list[Piece]:
    return list(Splitter(shape.grammar).split([data]))


def examined(data: bytes, shape: Shape) -> Batch:
    found = Batch()
    for piece in pieces(data, shape):
        batch = Examiner(shape).piece(piece)
        found.problems |= {len(found) + at: problem for at, problem in batch.problems.items()}
        found.extend(batch)
    return found


@given(
    st.text(st.sampled_from('ab,,"" \r\né'), max_size=60),
    st.integers(1, 4),
    st.integers(0, 2),
    st.sampled_from([",", ";", " ", "é", "\t"]),
)
@example('"a""b",5" disc\n,"a,b",\n', 2, 0, ",")
@example('"",",a"\n"b",c"d\n', 3, 1, ",")
def test_many_at_once_and_one_by_one_are_the_same(text: str, named: int, extra: int, delimiter: str) -> None:
    data, shape = text.replace(",", delimiter).encode(), Shape(delimiter, named, named + extra)
    for piece in pieces(data, shape):
        examiner = Examiner(shape)
        assert examiner.piece(piece) == examiner.records(records(piece, shape.grammar))


CELLS = st.text(st.sampled_from('ab,;"\n é'), max_size=5)


@given(
    st.lists(st.lists(CELLS, min_size=1, max_size=4), max_size=10), st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL])
)
def test_fields_are_counted_as_a_foreign_reader_counts_them(table: list[list[str]], quoting: int) -> None:
    table = [row for row in table if any(row) and row[-1]]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n", quoting=quoting).writerows(table)  # type: ignore[arg-type]
    batch = examined(text.getvalue().encode(), Shape(",", 3, 3))
    assert len(batch) == len(table)
    for at, row in enumerate(table):
        fields = f"{len(row)} {'field' if len(row) == 1 else 'fields'}"
        assert batch.problems.get(at) == (None if len(row) == 3 else f"has {fields} where the header has 3")


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("1,2", "1,2,"),
        ("1,2,", "1,2,"),
        ('1,2,""', "1,2,"),
        ("1,2,,,", "1,2,"),
        (",", ",,"),
        ('"1,","",', '"1,","",'),
    ],
)
def test_an_empty_field_behind_the_last_column_is_none(line: str, text: str) -> None:
    """Of a file whose lines end in a delimiter, though its header names two columns."""
    batch = examined(line.encode(), Shape(",", 2, 3))
    assert (batch.texts, batch.problems) == ([text.encode()], {})


@pytest.mark.parametrize("line", ["1", "1,2,3", "1,2,,3", '1,"2,'])
def test_a_value_behind_the_last_column_or_a_field_too_few_is_a_fault(line: str) -> None:
    assert len(examined(line.encode(), Shape(",", 2, 3)).problems) == 1


def test_bytes_that_are_no_text_are_told_and_stay_as_they_are() -> None:
    batch = examined(b"1,a\n2,\xff\n3,\xc3\xa9\n4\xff\n", Shape(",", 2, 2))
    assert batch.problems == {1: NO_TEXT, 3: "has 1 field where the header has 2"}
    good, bad = batch.parted("c/x.csv")
    assert (good.rows, good.texts) == ([0, 2], [b"1,a", b"3,\xc3\xa9"])
    assert (bad.row, bad.line, bad.byte, bad.raw) == ([1, 3], [2, 4], [4, 13], [b"2,\xff", b"4\xff"])
