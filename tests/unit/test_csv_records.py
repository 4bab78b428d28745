"""Cutting a CSV stream at the ends of its records, against the standard library's reader."""

from __future__ import annotations

import csv
import io
from typing import Literal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lytics_azure_tui.errors import Fatal
from lytics_azure_tui.jobs.csv_records import AFTER_QUOTE, BARE_RETURN, UNCLOSED, Grammar, Piece, Splitter, records

Quoting = Literal[0, 1]
CELLS = st.text(st.sampled_from('ab,;"\n é|\t'), max_size=6)
TABLES = st.lists(st.lists(CELLS, min_size=2, max_size=4), min_size=1, max_size=12)
DELIMITERS = st.sampled_from([",", ";", "\t", "|"])
NEWLINES = st.sampled_from(["\n", "\r\n"])


def written(table: list[list[str]], delimiter: str, newline: str, quoting: Quoting = csv.QUOTE_MINIMAL) -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator=newline, quoting=quoting).writerows(table)
    return text.getvalue().encode()


def blocks(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


def pieces(data: bytes, size: int, delimiter: str = ",") -> list[Piece]:
    return list(Splitter(Grammar(delimiter)).split(blocks(data, size)))


@given(TABLES, DELIMITERS, NEWLINES, st.integers(1, 40), st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
def test_every_record_that_a_writer_wrote_is_found_once_whatever_the_blocks(
    table: list[list[str]], delimiter: str, newline: str, size: int, quoting: Quoting
) -> None:
    data = written(table, delimiter, newline, quoting)
    cut = pieces(data, size, delimiter)
    assert b"".join(piece.data for piece in cut) == data
    assert sum(piece.rows for piece in cut) == len(table)
    assert all(piece.clean for piece in cut)
    found = [record for piece in cut for record in records(piece, Grammar(delimiter))]
    read = [next(csv.reader(io.StringIO(record.raw.decode(), newline=""), delimiter=delimiter)) for record in found]
    assert read == table
    assert [record.row for record in found] == list(range(len(table)))


@given(st.text(st.sampled_from('ab,"\r\n '), max_size=60), st.integers(1, 20))
def test_any_bytes_are_cut_without_loss_and_numbered_without_gaps(text: str, size: int) -> None:
    data = text.encode()
    cut = pieces(data, size)
    assert b"".join(piece.data for piece in cut) == data
    row, line, offset = 0, 1, 0
    for piece in cut:
        assert (piece.row, piece.line, piece.offset) == (row, line, offset)
        row, line, offset = row + piece.rows, line + piece.lines, offset + len(piece.data)


@given(st.text(st.sampled_from('ab ,"\n'), max_size=60), st.integers(1, 20))
@example('a"\n"",a","\n"', 1)
@example('"",a" ,  "\n"', 40)
def test_where_a_record_ends_does_not_depend_on_the_blocks(text: str, size: int) -> None:
    data = text.encode()
    grammar = Grammar(",")

    def found(size: int) -> list[tuple[int, int, bytes, str]]:
        cut = Splitter(grammar).split(blocks(data, size))
        return [(r.row, r.line, r.raw, r.problem) for piece in cut for r in records(piece, grammar)]

    assert found(size) == found(len(data) + 1)


@given(st.text(st.sampled_from('ab,"\n'), max_size=60), st.integers(1, 20), st.integers(0, 60))
def test_reading_can_go_on_where_a_part_ended(text: str, size: int, stop: int) -> None:
    data = text.encode()
    grammar = Grammar(",")
    first = Splitter(grammar)
    head = list(first.split(blocks(data[:stop], size), final=False))
    second = Splitter(grammar, offset=first.offset, row=first.row, line=first.line)
    tail = list(second.split(blocks(data[first.offset :], size)))
    assert b"".join(piece.data for piece in head + tail) == data
    whole = Splitter(grammar)
    list(whole.split([data]))
    assert (second.row, second.line, second.offset) == (whole.row, whole.line, whole.offset)


@pytest.mark.parametrize(
    ("bad", "problem"),
    [(b'2,"open', UNCLOSED), (b'2,"x"y', AFTER_QUOTE), (b"2,x\ry", BARE_RETURN)],
)
def test_a_record_that_cannot_be_parsed_costs_its_own_line_only(bad: bytes, problem: str) -> None:
    data = b"1,a\n" + bad + b"\n3,c\n"
    if problem == UNCLOSED:
        data = b"1,a\n3,c\n" + bad
    found = [record for piece in pieces(data, 1000) for record in records(piece, Grammar(","))]
    assert [record.raw for record in found if not record.problem] == [b"1,a", b"3,c"]
    assert [(record.raw, record.problem) for record in found if record.problem] == [(bad, problem)]


def test_an_open_quote_does_not_swallow_the_rows_behind_it() -> None:
    data = b'1,a\n2,"open\n' + b"".join(b"%d,x\n" % row for row in range(3, 1000))
    cut = pieces(data, 100)
    found = [record for piece in cut for record in records(piece, Grammar(","))]
    assert [record.row for record in found if record.problem] == [1]
    assert len([record for record in found if not record.problem]) == 998


def test_a_quote_inside_an_unquoted_field_is_an_ordinary_character() -> None:
    (piece,) = pieces(b'1,5" pipe\n2,6" pipe\n', 1000)
    assert [record.raw for record in records(piece, Grammar(","))] == [b'1,5" pipe', b'2,6" pipe']
    assert piece.clean
    assert piece.rows == 2


def test_a_blank_line_takes_a_number_and_is_no_record() -> None:
    (piece,) = pieces(b"1,a\n\n3,c\n", 1000)
    assert [record.row for record in records(piece, Grammar(","))] == [0, 2]
    assert piece.rows == 3


def test_the_longest_record_of_a_piece_is_never_understated() -> None:
    data = b"a,b\n" * 300_000 + b"x" * 3_000_000 + b",y\n" + b"a,b\n" * 300_000
    (piece,) = pieces(data, len(data))
    assert piece.longest >= 3_000_003


def test_a_line_without_end_is_refused_before_it_fills_the_memory() -> None:
    block = b"x" * (16 << 20)
    splitter = Splitter(Grammar(","))
    with pytest.raises(Fatal, match="longer than 64 MiB"):
        list(splitter.split(block for _ in range(100)))
