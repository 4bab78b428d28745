"""Which encoding a CSV file is in, how sure that is and why; and its text as UTF-8, from which its bytes come back.

The order: a byte order mark; ISO-2022-JP by its escapes; UTF-32 and UTF-16 by their zero bytes; UTF-8, judged by lines;
then Windows-1252, unless the letters of the text speak overwhelmingly for one of the encodings of `csv_letters`.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from lytics_azure_tui.errors import Fatal
from lytics_azure_tui.jobs.csv_letters import ASIAN, ENCODINGS, WESTERN, likelihood
from lytics_azure_tui.model.encoding import canonical

SAMPLE = 32 << 10
"""Bytes of lines beyond ASCII that are weighed, of all that were looked at."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    ("\ufeff".encode("gb18030"), "gb18030"),
)
# Logarithms of how much likelier another encoding than Windows-1252 has to be. Those with several bytes a character
# are seldom read without error by chance.
_OVERWHELMING, _ASIAN_OVERWHELMING = 20.0, 8.0
# The next likely encoding that gives another text has to be so much less likely for a certain guess.
_CLEAR, _CLEAR_WESTERN = 6.0, 2.0
# Of lines beyond ASCII, the share that has to be UTF-8: next to none of another encoding is so by chance.
_MIXED = 0.1
_LINE = re.compile(rb"[^\r\n]+")


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a file is read.

    Attributes:
        name: Python's name of the codec.
        mark: bytes of byte order marks at the file's beginning, to be passed over.
        why: the evidence, in words.
        certain: False for a guess that an operator should look at.
        settled: False while all that was looked at is ASCII, which is the same in most encodings.
    """

    name: str
    mark: int
    why: str
    certain: bool = True
    settled: bool = True

    def __str__(self) -> str:
        return f"{self.name} ({self.why})"


def encoding_of(head: bytes, *, asked: str = "auto", before: str | None = None, name: str = "the file") -> Encoding:
    """The encoding to read a file in.

    Args:
        head: of the file, and perhaps more from behind it, cut at the ends of lines.
        asked: "auto", or what a person named.
        before: that of the files before it in a sequence; None when there is none.
        name: of the file, for errors.

    Raises:
        Fatal: it is not in the encoding that was named, or not in that of the files before it.
    """
    if asked != "auto":
        return _named(head, canonical(asked), name)
    found = detected(head)
    if before is None or found.name == before:
        return found
    mark = marks(head, before)
    if not found.settled and not before.startswith(("utf-16", "utf-32")):
        return Encoding(before, mark, "as the files before it; what was looked at is ASCII", settled=False)
    if found.mark:
        return Encoding(found.name, found.mark, f"{found.why}; the files before it are in {before}", certain=False)
    if not _fits(head, before, found):
        raise Fatal(
            f"{name} is not in {before} as the files before it; nothing of it was imported",
            why=f"It looks like {found}",
            fix=f"Have the file written in {before}, or choose its encoding in the job",
        )
    return Encoding(before, mark, "as the files before it")


def detected(head: bytes) -> Encoding:
    """What a file's beginning shows."""
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return Encoding(encoding, marks(head, encoding), "by its byte order mark")
    if re.search(rb"\x1b(\$[@B]|\([JI])", head):
        return Encoding("iso2022_jp_ext", 0, "by its escape sequences")
    if wide := _wide(head):
        return Encoding(wide, 0, "by its zero bytes")
    lines = [line for line in _LINE.findall(head) if not line.isascii()]
    if not lines:
        return Encoding("utf-8", 0, "all that was looked at is ASCII", settled=False)
    if len(lines) > 1 and head.endswith(lines[-1]) and not is_utf8(lines[-1] + b"\n"):
        # The end of what was looked at may have cut a character in two.
        del lines[-1]
    good = sum(is_utf8(line + b"\n") for line in lines)
    return _mostly_utf8(good, len(lines)) if good * 2 >= len(lines) else _weighed(lines, good)


def _mostly_utf8(good: int, lines: int) -> Encoding:
    if good == lines:
        return Encoding("utf-8", 0, "valid UTF-8")
    told = f"{good:,} of {lines:,} lines beyond ASCII are valid UTF-8; the others go to quarantine"
    return Encoding("utf-8", 0, told, certain=good * 2 > lines)


def marks(head: bytes, encoding: str) -> int:
    """Bytes of the byte order marks that a text in an encoding begins with."""
    try:
        mark = "\ufeff".encode(encoding)
    except UnicodeError:
        return 0
    length = 0
    while mark and head.startswith(mark, length):
        length += len(mark)
    return length


def is_utf8(text: bytes) -> bool:
    """Whether a text, which may end inside a character, is UTF-8."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(text)
    except UnicodeDecodeError:
        return False
    return True


def _named(head: bytes, encoding: str, name: str) -> Encoding:
    why = "as the job says"
    marked = next((other for mark, other in _MARKS if head.startswith(mark)), None)
    if encoding in {"utf-16", "utf-32"}:
        # These two are whichever way round the mark says, and without one as Windows writes them.
        found = marked or _wide(head) or ""
        exact = found if found.startswith(encoding) else f"{encoding}-le"
        return Encoding(exact, marks(head, exact), why)
    if marked and marked != encoding:
        rest = head[marks(head, marked) :]
        if not marked.startswith("utf-8") or not rest.isascii():
            raise Fatal(
                f"{name} is not in {encoding}, as the job says; nothing of it was imported",
                why=f"It begins with the byte order mark of {marked}",
                fix=f"Choose auto or {marked} as the job's encoding",
            )
        return Encoding(encoding, len(head) - len(rest), why)
    return Encoding(encoding, marks(head, encoding), why)


def _wide(head: bytes) -> str | None:
    """UTF-32 or UTF-16 without a mark: where a newline is, zero bytes are beside it."""
    if len(head) < 4 or b"\0" not in head:
        return None
    ends = [match.start() for match in re.finditer(rb"[\r\n]", head)]
    for encoding, width, place in (("utf-32-le", 4, 0), ("utf-32-be", 4, 3), ("utf-16-le", 2, 0), ("utf-16-be", 2, 1)):
        units = len(head) // width
        zeros = [head[at::width].count(0) for at in range(width)]
        own = zeros.pop(place)
        # Of UTF-32, the byte at the far end is always zero.
        if own * 20 > units or (width == 4 and zeros[-1 if place == 0 else 0] < units):
            continue
        wide = sum(at % width == place and head[at - place : at - place + width].count(0) == width - 1 for at in ends)
        # A file of a line or two has next to no newlines: then most of its characters are ASCII.
        if wide * 2 > len(ends) if len(ends) > 2 else min(zeros) * 2 > units:
            return encoding
    return None


def _weighed(lines: list[bytes], utf8: int) -> Encoding:
    """The likeliest encoding of lines that are not UTF-8.

    Args:
        utf8: so many of them are, nevertheless.
    """
    text = b"\n".join(lines[:: 1 + sum(map(len, lines)) // SAMPLE])
    texts = {name: text.decode(name, "replace") for name in ENCODINGS}
    weights = {name: likelihood(read, name) for name, read in texts.items()}
    western, _ = weights[WESTERN]
    best = max(weights, key=lambda name: weights[name][0])
    ahead = weights[best][0] - western
    if ahead >= (_ASIAN_OVERWHELMING if best in ASIAN else _OVERWHELMING):
        name, certain = best, True
    elif utf8 >= _MIXED * len(lines):
        return _mostly_utf8(utf8, len(lines))
    else:
        name, certain = WESTERN, not utf8
    weight, language = weights[name]
    others = [weights[other][0] for other, read in texts.items() if read != texts[name]]
    certain = certain and weight - max(others) >= (_CLEAR_WESTERN if name == WESTERN else _CLEAR)
    told = f"its letters are those of {language}" if certain else f"a guess: its letters may be those of {language}"
    if not certain and best != name:
        told += f", or in {best} those of {weights[best][1]}"
    return Encoding(name, 0, told, certain)


def _fits(head: bytes, before: str, found: Encoding) -> bool:
    """Whether a file can be in the encoding of the files before it, though by itself it looks like another."""
    sure = found.name.startswith("utf") and found.certain
    if sure or before.startswith(("utf-16", "utf-32")):
        return False
    lines = [line for line in _LINE.findall(head) if not line.isascii()]
    bad = sum("\ufffd" in line.decode(before, "replace") for line in lines)
    return bad * 2 <= len(lines)


# Text and back. Bytes that are no text in the file's encoding become characters that no text has and UTF-8 refuses:
# their row is set aside, and they can be had back.

# Of two codes for a character, Windows writes that of IBM's extension, and Python that of NEC's selection from it.
_NEC_SELECTION = (0xED, 0xEE)


@cache
def _of_ibm() -> dict[str, bytes]:
    codes = (bytes((lead, trail)) for lead in (0xFA, 0xFB, 0xFC) for trail in range(0x40, 0xFD))
    read = {code: code.decode("cp932", "ignore") for code in codes}
    return {char: code for code, char in read.items() if len(char) == 1 and char.encode("cp932")[0] in _NEC_SELECTION}


def _bytes(text: str, encoding: str) -> bytes:
    if encoding != "cp932":
        return text.encode(encoding, "replace")
    return b"".join(_of_ibm().get(char) or char.encode(encoding, "replace") for char in text)


_ESCAPE = 0xDC00
_ESCAPED = re.compile("[\udc00-\udcff]+")


def _escape(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "".join(chr(_ESCAPE + byte) for byte in error.object[error.start : error.end]), error.end


codecs.register_error("csv_escape", _escape)


def decoded(blocks: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """UTF-8 of text in another encoding; what is no text in it becomes what is no UTF-8. UTF-8 stays as it is."""
    if encoding == "utf-8":
        yield from blocks
        return
    decoder = codecs.getincrementaldecoder(encoding)("csv_escape")
    for block in blocks:
        yield decoder.decode(block).encode("utf-8", "surrogatepass")
    # Half a character may stand at the end of the file.
    yield decoder.decode(b"", final=True).encode("utf-8", "surrogatepass")


def encoded(text: bytes, encoding: str) -> bytes:
    """The bytes of a file that `decoded` made a piece of text of.

    A character for which an encoding has two codes comes back as the usual one of them.
    """
    if encoding == "utf-8":
        return text
    read = text.decode("utf-8", "surrogatepass")
    found, at = b"", 0
    for escaped in _ESCAPED.finditer(read):
        found += _bytes(read[at : escaped.start()], encoding)
        found += bytes(ord(char) - _ESCAPE for char in escaped[0])
        at = escaped.end()
    return found + _bytes(read[at:], encoding)
