"""Records side by side: their fields are counted, and what is wrong with them is told, for a whole piece at a time.

It costs about a microsecond for a record, so that a file of which no row can be used takes about as long as a good one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import accumulate

from lytics_azure_tui.jobs.csv_records import Grammar, Piece, Record, records

NO_TEXT = "holds bytes that are no text in the file's encoding"


@dataclass(frozen=True, slots=True)
class Shape:
    """The fields of a file's records.

    An empty field behind the last column that the header names is no field: files whose lines, or some of them, end in
    a delimiter are read as if they did not.

    Attributes:
        delimiter: one character.
        named: columns that the header names.
        width: fields of a record in the file, the nameless ones too.
    """

    delimiter: str
    named: int
    width: int

    @property
    def grammar(self) -> Grammar:
        """The patterns of its records; a blank line is a record only where a record has a single field."""
        return Grammar(self.delimiter, skip_blank=self.named > 1)


@dataclass(slots=True)
class Batch:
    """Some records. The lists are of one length.

    Attributes:
        rows, lines, offsets, raws: as in `Record`.
        texts: their bytes, with as many fields as the shape's width.
        problems: index of a record → why it cannot be used.
    """

    rows: Sequence[int]
    lines: Sequence[int]
    offsets: Sequence[int]
    raws: list[bytes]
    texts: list[bytes] = field(default_factory=list)
    problems: dict[int, str] = field(default_factory=dict)

    def only(self, kept: Sequence[int]) -> Batch:
        """Some of its records, by their indexes."""
        rows, lines, offsets = ([column[at] for at in kept] for column in (self.rows, self.lines, self.offsets))
        problems = {new: self.problems[old] for new, old in enumerate(kept) if old in self.problems}
        return Batch(rows, lines, offsets, [self.raws[at] for at in kept], problems=problems)


class Examiner:
    """Looks at the records of one file.

    Args:
        shape: of its records.
    """

    def __init__(self, shape: Shape) -> None:
        self._shape = shape
        self._grammar = shape.grammar
        self._delimiter = shape.delimiter.encode()
        self._tail = self._delimiter * (shape.width - shape.named)
        # Where quotes enclose whole fields, a delimiter, a newline or another quote stands beside each.
        beside = re.escape(b'"\n' + self._delimiter)
        self._loose = re.compile(rb'[^%s]"|"[^%s]' % (beside, beside))

    def piece(self, piece: Piece) -> Batch:
        """The records of a piece."""
        quick = self._lines(piece) if len(self._delimiter) == 1 else None
        return quick or self.records(records(piece, self._grammar))

    def records(self, found: Iterable[Record]) -> Batch:
        """Records that were found one by one."""
        all_ = list(found)
        batch = Batch([r.row for r in all_], [r.line for r in all_], [r.offset for r in all_], [r.raw for r in all_])
        batch.problems = {at: record.problem for at, record in enumerate(all_) if record.problem}
        return self._judged(batch, [self._grammar.quoted.sub(b"", raw).count(self._delimiter) for raw in batch.raws])

    def _lines(self, piece: Piece) -> Batch | None:
        """The records of a piece whose lines they are; None where something in it takes a closer look."""
        data = piece.data
        text = data.replace(b"\r\n", b"\n")
        outside = b'"'.join(text.split(b'"')[::2])
        if not piece.plain or b"\r" in text or (b'"' in text and self._loose.search(outside)):
            return None
        raws = text.split(b"\n")
        count = len(raws) if raws[-1] else len(raws) - 1
        offsets = accumulate((len(line) + 1 for line in data.split(b"\n")), initial=piece.offset)
        batch = Batch(
            range(piece.row, piece.row + count),
            range(piece.line, piece.line + count),
            list(offsets)[:count],
            raws[:count],
        )
        return self._judged(batch, [line.count(self._delimiter) for line in outside.split(b"\n")[:count]])

    def _judged(self, batch: Batch, delimiters: list[int]) -> Batch:
        """The batch without blank lines, and with what is wrong with its records.

        Args:
            delimiters: in each record, outside quotes.
        """
        if self._grammar.skip_blank and not all(batch.raws):
            kept = [at for at, raw in enumerate(batch.raws) if raw]
            batch, delimiters = batch.only(kept), [delimiters[at] for at in kept]
        batch.texts = list(batch.raws)
        for at, count in enumerate(delimiters):
            if (count + 1 != self._shape.width or self._tail) and at not in batch.problems:
                self._fit(batch, at, count + 1)
        self._must_be_text(batch)
        return batch

    def _fit(self, batch: Batch, at: int, fields: int) -> None:
        raw, extra = batch.raws[at], fields - self._shape.named
        if extra >= 0 and (found := _empty(self._delimiter, extra).search(raw)):
            batch.texts[at] = raw[: found.start()] + self._tail
        else:
            batch.problems[at] = _wrong_count(fields, self._shape.named)

    def _must_be_text(self, batch: Batch) -> None:
        if _is_text(b"\n".join(batch.raws)):
            return
        for at, raw in enumerate(batch.raws):
            if at not in batch.problems and not _is_text(raw):
                batch.problems[at] = NO_TEXT


@cache
def _empty(delimiter: bytes, count: int) -> re.Pattern[bytes]:
    """So many empty fields at the end of a record."""
    return re.compile(b'(?:%s(?:"")?){%d}\\Z' % (re.escape(delimiter), count))


@cache
def _wrong_count(fields: int, named: int) -> str:
    return f"has {fields} {'field' if fields == 1 else 'fields'} where the header has {named}"


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
