"""Records side by side: their fields are counted, and what is wrong with them is told, for a whole piece at a time.

It costs about a microsecond for a record, so that a file of which no row can be used takes about as long as a good one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import accumulate
from typing import Any

from lytics_azure_tui.jobs.csv_records import Grammar, Piece, Record, records
from lytics_azure_tui.jobs.quarantine import QuarantinedRows

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

    rows: list[int] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)
    raws: list[bytes] = field(default_factory=list)
    texts: list[bytes] = field(default_factory=list)
    problems: dict[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.rows)

    def extend(self, others: Batch) -> None:
        """Takes in records that nothing is known against."""
        for mine, theirs in zip(self._columns, others._columns, strict=True):
            mine.extend(theirs)

    def only(self, kept: Sequence[int]) -> Batch:
        """Some of its records, by their indexes."""
        rows, lines, offsets, raws, texts = (list(map(column.__getitem__, kept)) for column in self._columns)
        problems = {new: self.problems[old] for new, old in enumerate(kept) if old in self.problems}
        return Batch(rows, lines, offsets, raws, texts, problems)

    def parted(self, source: str) -> tuple[Batch, QuarantinedRows]:
        """(the records that nothing is known against; the others, as rows of a file)."""
        if not self.problems:
            return self, QuarantinedRows(source)
        bad = self.only(sorted(self.problems))
        good = self.only([at for at in range(len(self)) if at not in self.problems])
        reasons = [bad.problems[at] for at in range(len(bad))]
        return good, QuarantinedRows(source, bad.lines, bad.offsets, bad.rows, reasons, bad.raws)

    @property
    def _columns(self) -> tuple[list[Any], ...]:
        return self.rows, self.lines, self.offsets, self.raws, self.texts


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
        return self.records(records(piece, self._grammar)) if quick is None else quick

    def records(self, found: Iterable[Record]) -> Batch:
        """Records that were found one by one."""
        batch = Batch()
        for record in found:
            if record.problem:
                batch.problems[len(batch)] = record.problem
            batch.rows.append(record.row)
            batch.lines.append(record.line)
            batch.offsets.append(record.offset)
            batch.raws.append(record.raw)
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
        lengths = map(len, raws if len(text) == len(data) else data.split(b"\n"))
        offsets = list(accumulate(map((1).__add__, lengths), initial=piece.offset))
        rows, lines = (list(range(start, start + count)) for start in (piece.row, piece.line))
        delimiters = [line.count(self._delimiter) for line in outside.split(b"\n")]
        return self._judged(Batch(rows, lines, offsets[:count], raws[:count]), delimiters[:count])

    def _judged(self, batch: Batch, delimiters: list[int]) -> Batch:
        """The batch without blank lines, and with what is wrong with its records.

        Args:
            delimiters: in each record, outside quotes.
        """
        batch.texts = list(batch.raws)
        if self._grammar.skip_blank and not all(batch.raws):
            kept = [at for at, raw in enumerate(batch.raws) if raw]
            batch, delimiters = batch.only(kept), [delimiters[at] for at in kept]
        usual = -1 if self._tail else self._shape.width - 1
        for at in [at for at, count in enumerate(delimiters) if count != usual]:
            if at not in batch.problems:
                self._fit(batch, at, delimiters[at] + 1)
        if not _is_text(b"\n".join(batch.raws)):
            bad = [at for at, raw in enumerate(batch.raws) if not _is_text(raw)]
            batch.problems = {**dict.fromkeys(bad, NO_TEXT), **batch.problems}
        return batch

    def _fit(self, batch: Batch, at: int, fields: int) -> None:
        """Gives a record the shape's width, where no more is there or lacking than empty fields at its end."""
        extra = fields - self._shape.named
        found = _empty(self._delimiter, extra).search(batch.raws[at]) if extra >= 0 else None
        if found is None:
            batch.problems[at] = _wrong_count(fields, self._shape.named)
        else:
            batch.texts[at] = batch.raws[at][: found.start()] + self._tail


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
