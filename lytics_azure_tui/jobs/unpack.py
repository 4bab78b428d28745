"""A blob's bytes as the bytes of the files in it: decrypted, decompressed, taken out of an archive, in any order.

Everything is a stream of blocks: memory stays that of some blocks, whatever a file claims to expand to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from lytics_azure_tui.errors import Fatal
from lytics_azure_tui.jobs import parquet
from lytics_azure_tui.jobs.archives import Member, Stored, untarred, unzipped
from lytics_azure_tui.jobs.decompress import BLOCK, Blocks, decompressed
from lytics_azure_tui.jobs.formats import PARQUET, PGP, TAR, ZIP, packing_of, require_as_named

HEAD = 256 << 10
"""Bytes by which a format is known."""
DEEPEST = 4
"""Layers: a zip of encrypted tar files that were compressed has four."""
_SUSPECT_SIZE, _SUSPECT_RATIO = 4 << 30, 10_000

Decrypt = Callable[[Blocks, str], Blocks]
"""Takes a PGP message and its name, and gives its contents."""


def layers_of(blob: Stored, decrypt: Decrypt) -> tuple[tuple[str, ...], bytes]:
    """How a blob is packed, from the outside in, and the first bytes of the first file in it.

    Raises:
        Fatal: it is damaged, too deeply packed, or in a format that an import does not read.
    """
    layers: list[str] = []
    while True:
        name, head = beginning(blob, layers, decrypt)
        packing = "" if PARQUET in layers else packing_of(name, head)
        if not packing:
            require_as_named(blob.name, layers)
            return tuple(layers), head
        if len(layers) == DEEPEST:
            raise Fatal(f"{blob.name} is packed more than {DEEPEST} times", fix="Upload it packed once")
        layers.append(packing)


def beginning(blob: Stored, layers: Sequence[str], decrypt: Decrypt, size: int = HEAD) -> tuple[str, bytes]:
    """(name, first bytes) of the first file in a blob."""
    for name, blocks in members(blob, layers, decrypt, block=HEAD):
        head = b""
        for block in blocks:
            head += block
            if len(head) >= size:
                break
        return name, head[:size]
    return blob.name, b""


def members(
    blob: Stored, layers: Sequence[str], decrypt: Decrypt, *, block: int = BLOCK, scratch: Path | None = None
) -> Iterator[Member]:
    """The files in a blob, in its order; each is to be read before the next. Folders and empty files are left out.

    Args:
        layers: as `layers_of` found them. What is Parquet comes as CSV.
        decrypt: opens PGP messages.
        block: bytes of one request; those of `HEAD` give the beginning of Parquet alone.
        scratch: a folder with room for a file of Parquet.

    Raises:
        Fatal: it is damaged.
    """
    found: Iterator[Member]
    if layers and layers[0] == ZIP:
        found, layers = unzipped(blob, block), layers[1:]
    elif layers and layers[0] == PARQUET:
        rows = parquet.sample(blob) if block == HEAD else parquet.as_csv(blob, block, scratch)
        found, layers = iter([(blob.name, rows)]), ()
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
        elif layer in (ZIP, PARQUET):
            title = "a zip archive" if layer == ZIP else "a Parquet file"
            raise Fatal(
                f"{name} holds {title}, which is read by its end and so only as a blob of its own",
                fix="Upload it without what it is packed in",
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
