"""A blob's bytes as the bytes of the files in it: decrypted, decompressed, taken out of an archive, in any order.

Everything is a stream of blocks: memory stays that of some blocks, whatever a file claims to expand to.
"""

from __future__ import annotations

import bz2
import lzma
import sys
import tarfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any, Protocol

from lytics_azure_tui.errors import Fatal
from lytics_azure_tui.jobs.formats import PGP, TAR, ZIP, packing_of, require_as_named

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

BLOCK = 8 << 20
"""Bytes of a download, and at most those of a decompressed block."""
HEAD = 256 << 10
"""Bytes by which a format is known."""
DEEPEST = 4
"""Layers: a zip of encrypted tar files that were compressed has four."""
WINDOW = 128 << 20
"""Bytes of memory that a file may ask of its decompressor. The strongest settings of xz and zstd ask for 64 MiB and
128 MiB; what asks for more was made so by hand."""
_SUSPECT_SIZE, _SUSPECT_RATIO = 4 << 30, 10_000

Blocks = Iterator[bytes]
Member = tuple[str, Blocks]
"""The name of a file as an operator would say it, and its contents."""
Decrypt = Callable[[Blocks, str], Blocks]


class Stored(Protocol):
    """A blob, as far as it is read here."""

    @property
    def name(self) -> str:
        """All of it."""

    @property
    def size(self) -> int:
        """Bytes."""

    def stream(self, block: int) -> Blocks:
        """All of it, in blocks of at most so many bytes."""

    def read(self, offset: int, length: int) -> bytes:
        """A range, exactly so long."""


def layers_of(blob: Stored, decrypt: Decrypt) -> tuple[tuple[str, ...], bytes]:
    """How a blob is packed, from the outside in, and the first bytes of the first file in it.

    Raises:
        Fatal: it is damaged, too deeply packed, or in a format that an import does not read.
    """
    layers: list[str] = []
    while True:
        name, head = _beginning(blob, layers, decrypt)
        packing = packing_of(name, head)
        if not packing:
            require_as_named(blob.name, layers)
            return tuple(layers), head
        if len(layers) == DEEPEST:
            raise Fatal(f"{blob.name} is packed more than {DEEPEST} times", fix="Upload it packed once")
        layers.append(packing)


def _beginning(blob: Stored, layers: Sequence[str], decrypt: Decrypt) -> tuple[str, bytes]:
    for name, blocks in members(blob, layers, decrypt, block=HEAD):
        head = b""
        for block in blocks:
            head += block
            if len(head) >= HEAD:
                break
        return name, head[:HEAD]
    return blob.name, b""


def members(blob: Stored, layers: Sequence[str], decrypt: Decrypt, *, block: int = BLOCK) -> Iterator[Member]:
    """The files in a blob, in its order; each is to be read before the next. Folders and empty files are left out.

    Args:
        layers: as `layers_of` found them.
        decrypt: takes a PGP message and gives its contents.
        block: bytes of one request.

    Raises:
        Fatal: it is damaged.
    """
    from lytics_azure_tui.jobs.unzip import unzipped

    found: Iterator[Member]
    if layers and layers[0] == ZIP:
        found, layers = unzipped(blob, block), layers[1:]
    else:
        found = iter([(blob.name, blob.stream(block))])
    for layer in layers:
        found = _unpacked(layer, found, decrypt)
    return _bounded(found, blob)


def _unpacked(layer: str, packed: Iterator[Member], decrypt: Decrypt) -> Iterator[Member]:
    for name, blocks in packed:
        if layer == TAR:
            yield from untarred(blocks, name)
        elif layer == PGP:
            yield name, decrypt(blocks, name)
        elif layer == ZIP:
            raise Fatal(
                f"{name} holds a zip archive, which can only be read as a blob of its own",
                fix="Upload the zip archive by itself",
            )
        else:
            yield name, decompressed(blocks, layer, name)


def _bounded(found: Iterator[Member], blob: Stored) -> Iterator[Member]:
    """Ends what expands without end: a file that was made to fill disks, not to be imported."""
    total = 0

    def counted(blocks: Blocks) -> Blocks:
        nonlocal total
        for block in blocks:
            total += len(block)
            if total > _SUSPECT_SIZE and total > _SUSPECT_RATIO * blob.size:
                raise Fatal(
                    f"{blob.name} expands to more than {_SUSPECT_RATIO:,} times its size; nothing of it was imported",
                    why=f"Its {blob.size:,} bytes have become more than {_SUSPECT_SIZE >> 30} GiB",
                    fix="Upload the file itself if this is what it should hold",
                )
            yield block

    for name, blocks in found:
        yield name, counted(blocks)


def is_left_out(name: str, size: int) -> bool:
    """Whether a file of an archive is none of its maker's: empty, or written by macOS or Windows for themselves."""
    path = PurePosixPath(name.replace("\\", "/"))
    return (
        not size
        or "__MACOSX" in path.parts
        or path.name.startswith("._")
        or path.name.lower() in {".ds_store", "thumbs.db", "desktop.ini"}
    )


# Compression


class Decoder(Protocol):
    """What the decompressors of the standard library have in common."""

    @property
    def eof(self) -> bool: ...

    @property
    def needs_input(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class Inflate:
    """zlib's decompressor, in the manner of the others.

    Args:
        wbits: 31 for gzip, -15 for a deflated file of a zip archive.
    """

    def __init__(self, wbits: int) -> None:
        self._zlib = zlib.decompressobj(wbits=wbits)
        self._full = False

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def needs_input(self) -> bool:
        # It may hold back the end of what it has read while its output is full.
        return not (self.eof or self._full or self._zlib.unconsumed_tail)

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        text = self._zlib.decompress(self._zlib.unconsumed_tail + data, max_length)
        self._full = len(text) == max_length
        return text


def zstd_decoder() -> Decoder:
    """Of zstd, with bounded memory."""
    decoder: Decoder = zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: 27})
    return decoder


_DECODERS: dict[str, Callable[[], Decoder]] = {
    "gzip": lambda: Inflate(31),
    "bzip2": bz2.BZ2Decompressor,
    "xz": lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=WINDOW),
    "zstd": zstd_decoder,
}
DAMAGE = (zlib.error, lzma.LZMAError, zstd.ZstdError, OSError, EOFError, ValueError)
"""By which the decompressors say that data is damaged; bz2 raises OSError."""


def damaged(name: str, kind: str, error: BaseException) -> Fatal:
    """The error for data that a decompressor refuses."""
    if "limit" in str(error).lower() or "too much memory" in str(error).lower() or isinstance(error, MemoryError):
        return Fatal(
            f"{name} needs more than {WINDOW >> 20} MiB of memory to be decompressed",
            why=str(error),
            fix=f"Compress it again, with the usual settings of {kind}",
        )
    return Fatal(f"{name} is damaged: it is not what {kind} wrote", why=str(error), fix="Upload the file again")


def decompressed(blocks: Iterable[bytes], kind: str, name: str) -> Blocks:
    """The contents of a compressed file, all of its members (RFC 1952, section 2.2; so have bzip2, xz and zstd).

    Raises:
        Fatal: it is damaged or cut off.
    """
    make = _DECODERS[kind]
    decoder, begun = make(), False
    try:
        for block in blocks:
            # Zeros fill a tape's last record up, behind a member.
            rest = block if begun else block.lstrip(b"\0")
            while rest or not decoder.needs_input:
                text = decoder.decompress(rest, BLOCK)
                begun, rest = True, b""
                if text:
                    yield text
                if decoder.eof:
                    rest = decoder.unused_data.lstrip(b"\0")
                    decoder, begun = make(), False
    except (*DAMAGE, MemoryError) as error:
        raise damaged(name, kind, error) from error
    if begun:
        raise cut_off(name, kind)


def cut_off(name: str, kind: str) -> Fatal:
    """The error for a file whose end is not there."""
    return Fatal(
        f"{name} ends in the middle of its {kind} data; nothing of it was imported",
        why="The upload was cut off, or is still going on",
        fix="Upload the file again",
    )


# Archives


class _Tail:
    """Blocks as a file that tarfile reads, with its last bytes kept."""

    def __init__(self, blocks: Blocks) -> None:
        self._blocks = blocks
        self._left = memoryview(b"")
        self.last = b""

    def read(self, size: int) -> bytes:
        parts: list[bytes | memoryview] = []
        while size > 0:
            if not self._left:
                block = next(self._blocks, b"")
                if not block:
                    break
                self._left = memoryview(block)
            parts.append(self._left[:size])
            self._left = self._left[size:]
            size -= len(parts[-1])
        data = b"".join(parts)
        self.last = (self.last + data[-512:])[-512:] if data else self.last
        return data


def untarred(blocks: Blocks, name: str) -> Iterator[Member]:
    """The files of a tar archive, in its order.

    Raises:
        Fatal: it is damaged or cut off, or holds none.
    """
    source = _Tail(blocks)
    count = 0
    try:
        with tarfile.open(fileobj=source, mode="r|", bufsize=1 << 20) as archive:  # type: ignore[call-overload]
            for item in archive:
                # The list of all members is kept for reading at random, which a stream cannot do.
                archive.members = []
                if not item.isreg() or is_left_out(item.name, item.size):
                    continue
                count += 1
                yield f"{name}: {item.name}", _file(archive.extractfile(item), name)
        while source.read(1 << 20):
            pass
    except _TAR_DAMAGE as error:
        raise _tar_damaged(name, error) from error
    if source.last.strip(b"\0"):
        # An archive ends with a block of zeros; tarfile does without.
        raise cut_off(name, TAR)
    if not count:
        raise Fatal(f"{name} holds no file", fix="Upload the CSV by itself, or an archive with it")


def _file(opened: Any, name: str) -> Blocks:
    try:
        while block := opened.read(BLOCK):
            yield block
    except _TAR_DAMAGE as error:
        raise _tar_damaged(name, error) from error


_TAR_DAMAGE = (tarfile.TarError, EOFError, ValueError)


def _tar_damaged(name: str, error: Exception) -> Fatal:
    return cut_off(name, TAR) if "unexpected end" in str(error) else damaged(name, TAR, error)
