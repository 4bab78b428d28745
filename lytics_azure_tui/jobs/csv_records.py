"""Cuts a stream of CSV bytes at the ends of records, and counts them, about as fast as memory can be read.

A record ends at a newline that is not inside quotes. Quotes open a field only at its start (RFC 4180, section 2);
spaces around a quoted field are passed over; a quote elsewhere is an ordinary character. A record whose quotes make no
sense, or are never closed, is one physical line, and is told as malformed: so that one bad quote costs one line, and
not the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lytics_azure_tui.errors import Fatal

MAX_RECORD = 32 << 20
"""Bytes. A quoted field that is open for longer than this counts as never closed."""

UNCLOSED = "a quote is opened and never closed"
AFTER_QUOTE = "text follows a closing quote"
BARE_RETURN = "a carriage return stands outside quotes"


def _all_but(kept: bytes) -> bytes:
    return bytes(byte for byte in range(256) if byte not in kept)


# What marks values in a row's hash is found on the way: nearly no file holds it.
_NO_MARK = _all_but(b'"\n\x1d\x1e\x1f')


@dataclass(frozen=True, slots=True)
class Piece:
    """Whole records, as they lie in the file.

    Attributes:
        buffers: the records with their newlines; the last record of a file may lack one. Several, so that none of them
            has to be copied.
        offset: of the first byte in the stream.
        row: number of the first record; the first record of the file has the number that the splitter began with.
        line: physical line, from 1, of the first record.
        rows: records in it; a blank line counts for one, so that rows and lines run alike.
        lines: newlines in it.
        longest: bytes of the longest record, or an upper bound of it.
        clean: False when a record in it is malformed.
        plain: whether it is known to hold none of the characters that `stream_file.hashed` uses itself.
    """

    buffers: tuple[bytes | memoryview, ...]
    offset: int
    row: int
    line: int
    rows: int
    lines: int
    longest: int
    clean: bool
    plain: bool = False

    @property
    def data(self) -> bytes:
        """All of it in one piece."""
        return b"".join(self.buffers)

    @classmethod
    def whole(cls, data: bytes, *, offset: int = 0, row: int = 0, line: int = 1) -> Piece:
        """Bytes of which nothing is known but where they stand."""
        return cls((data,), offset, row, line, rows=0, lines=0, longest=len(data), clean=False)


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a piece.

    Attributes:
        row, line, offset: as in `Piece`.
        raw: its bytes without the newline.
        problem: why it cannot be parsed; empty when it can.
    """

    row: int
    line: int
    offset: int
    raw: bytes
    problem: str


class Grammar:
    """The patterns of a dialect.

    Args:
        delimiter: one character.
        skip_blank: whether a blank line is passed over; it is a record only where a record has a single field.
    """

    def __init__(self, delimiter: str, *, skip_blank: bool = True) -> None:
        self.skip_blank = skip_blank
        delim = re.escape(delimiter.encode())
        space = b"" if delimiter == " " else b" *"
        inside = b'(?>[^"]+|"")*+'
        quoted = space + b'"' + inside + b'"' + space
        # An unquoted field runs to the next delimiter or newline, whatever quotes stand inside it.
        bare = b"(?!" + space + b'")(?:(?!' + delim + rb")[^\n])*+"
        field = b"(?:" + quoted + b"|" + bare + b")"
        self.record = re.compile(field + b"(?:" + delim + field + rb")*+\r?(?:\n|\Z)")
        self.open = re.compile(b"(?:" + field + delim + b")*+" + space + b'"' + inside + rb"\Z")
        # A quote that may open a field, and that nothing closes on its line.
        unclosed = rb'"[^"\n]*+(?:""[^"\n]*+)*+(?:\n|\Z)'
        self.crossing = [re.compile(before + unclosed) for before in (delim, rb"\n", b" ")]
        self.no_boundary = _all_but(b'"\n' + delimiter.encode())
        self.quoted = re.compile(b"(?:(?<=" + delim + rb")|\A)" + quoted + b"(?=" + delim + rb"|\r?\Z)")


def records(piece: Piece, grammar: Grammar) -> Iterator[Record]:
    """The records of a piece one by one, malformed ones told as such. Slow: for pieces that need a closer look."""
    data, position, row, line = piece.data, 0, piece.row, piece.line
    while position < len(data):
        end, problem = record_end(data, position, grammar, final=True)
        raw = data[position:end]
        text = raw.removesuffix(b"\n").removesuffix(b"\r") if raw.endswith(b"\n") else raw
        if text or not grammar.skip_blank:
            if not problem and b"\r" in text and b"\r" in grammar.quoted.sub(b"", text):
                problem = BARE_RETURN
            yield Record(row, line, piece.offset + position, text, problem)
        row += 1
        line += raw.count(b"\n")
        position = end


def record_end(data: bytes, start: int, grammar: Grammar, *, final: bool) -> tuple[int, str]:
    """The end of the record at `start` and what is wrong with it; -1 when more bytes are needed to tell."""
    newline = data.find(b"\n", start)
    if data.find(b'"', start, newline if newline >= 0 else len(data)) < 0:
        return (newline + 1, "") if newline >= 0 else (len(data) if final else -1, "")
    match = grammar.record.match(data, start)
    if match is not None:
        whole = match.end() < len(data) or data.endswith(b"\n") or final
        return (match.end(), "") if whole else (-1, "")
    still_open = grammar.open.match(data, start) is not None
    if not final and (newline < 0 or (still_open and len(data) - start <= MAX_RECORD)):
        return -1, ""
    end = newline + 1 if newline >= 0 else len(data)
    # Why is read off the line alone, so that it does not hang on how much of the file was at hand.
    return end, UNCLOSED if grammar.open.match(data[start:end].rstrip(b"\r\n")) else AFTER_QUOTE


class Splitter:
    """Turns blocks of any size into pieces of whole records.

    Args:
        grammar: of the dialect.
        offset, row, line: where the first block stands in the file.
    """

    def __init__(self, grammar: Grammar, *, offset: int = 0, row: int = 0, line: int = 1) -> None:
        self.grammar = grammar
        self.offset = offset
        self.row = row
        self.line = line
        self._carry = b""

    def split(self, blocks: Iterable[bytes], *, final: bool = True) -> Iterator[Piece]:
        """Pieces that together are the blocks to the byte.

        Args:
            final: whether the blocks run to the end of the file. If not, a record that they cut is left out, and
                `offset` says where it begins.
        """
        for block in blocks:
            piece = self._take(block, final=False)
            if piece is not None:
                yield piece
        piece = self._take(b"", final=True) if final else None
        if piece is not None:
            yield piece

    def _take(self, block: bytes, *, final: bool) -> Piece | None:
        end = len(block) if final else block.rfind(b"\n") + 1
        marks = _left(_NO_MARK, self._carry, block, end)
        quotes = b'"' in marks
        # Without the pairs of quotes that have no newline in between.
        marks = marks.replace(b'""', b"")
        if marks.strip(b"\n") or not (end or final) or (quotes and self._may_cross(block, end)):
            return self._take_closely(self._carry + block, final=final)
        carry = self._carry
        buffers = (carry, memoryview(block)[:end])
        self._carry = block[end:]
        last = buffers[-1] or carry
        rest = final and bool(last) and last[-1:] != b"\n"
        longest = len(carry) + _longest_at_most(block, end)
        return self._piece(buffers, len(marks) + rest, len(marks), longest, clean=True, plain=True)

    def _may_cross(self, block: bytes, end: int) -> bool:
        """Whether a newline may lie inside quotes though each line has an even number of them.

        It takes a quote inside an unquoted field for that, and one that opens a field behind it.
        """
        # Such a line ends in a delimiter, a quote and pairs of quotes: one that has no pair. So does a delimiter that
        # is quoted itself, which takes a closer look.
        if b'"' not in _left(self.grammar.no_boundary, self._carry, block, end).replace(b'""', b""):
            return False
        first = block.find(b"\n", 0, end) + 1
        line = b"\n" + self._carry + block[:first]
        return any(
            pattern.search(line) or pattern.search(block, max(first - 1, 0), end) for pattern in self.grammar.crossing
        )

    def _take_closely(self, data: bytes, *, final: bool) -> Piece | None:
        end, rows, longest, clean = self._measure_closely(data, final=final)
        if longest > 2 * MAX_RECORD or len(data) - end > 2 * MAX_RECORD:
            raise Fatal(
                f"a line behind line {self.line:,} is longer than {2 * MAX_RECORD >> 20} MiB; nothing was imported",
                why="The file is not CSV, or its lines do not end as those of text files do",
                fix="Look at the file's beginning and at the job's encoding",
            )
        self._carry = data[end:]
        return self._piece((data[:end],), rows, data.count(b"\n", 0, end), longest, clean=clean)

    def _piece(
        self,
        buffers: tuple[bytes | memoryview, ...],
        rows: int,
        lines: int,
        longest: int,
        *,
        clean: bool,
        plain: bool = False,
    ) -> Piece | None:
        size = sum(len(buffer) for buffer in buffers)
        if not size:
            return None
        piece = Piece(buffers, self.offset, self.row, self.line, rows, lines, longest, clean, plain)
        self.offset += size
        self.row += rows
        self.line += lines
        return piece

    def _measure_closely(self, data: bytes, *, final: bool) -> tuple[int, int, int, bool]:
        """(bytes of whole records, records, longest, clean) where quotes hold newlines or make no sense.

        Only lines with quotes are looked at one by one.
        """
        position = rows = longest = 0
        clean = True
        while position < len(data):
            quote = data.find(b'"', position)
            plain_end = data.rfind(b"\n", position, quote if quote >= 0 else len(data)) + 1
            if plain_end > position:
                plain = data[position:plain_end]
                rows += plain.count(b"\n")
                longest = max(longest, _longest_at_most(plain, len(plain)))
                position = plain_end
                continue
            end, problem = record_end(data, position, self.grammar, final=final)
            if end < 0:
                break
            rows += 1
            longest = max(longest, end - position)
            clean = clean and not problem
            position = end
        return position, rows, longest, clean


def _left(dropped: bytes, carry: bytes, block: bytes, end: int) -> bytes:
    """Some bytes without those of some values."""
    # Slices that stay in the processor's cache: half the time of one pass over all.
    step = 256 << 10
    slices = (block[start : min(start + step, end)] for start in range(0, end, step))
    return b"".join(part.translate(None, dropped) for part in (carry, *slices))


def _longest_at_most(data: bytes, end: int) -> int:
    """An upper bound of the longest line: exact only where lines are long, which is where it matters."""
    step = 1 << 20
    if end <= step:
        return end
    longest = previous = 0
    position = data.find(b"\n", 0, end)
    while position >= 0:
        longest = max(longest, position + 1 - previous)
        previous = position + 1
        skip = data.rfind(b"\n", previous, min(previous + step, end))
        position = skip if skip > previous else data.find(b"\n", previous, end)
    return max(longest, end - previous)
