"""What exports share: rows are encrypted and compressed on their way, and a manifest says what a blob holds."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from lytics_azure_tui.azure.blob_writer import StagedBlob
from lytics_azure_tui.jobs.compress import gzipped, zipped
from lytics_azure_tui.jobs.encrypt import encrypted
from lytics_azure_tui.model.export_name import Compression, extension

Rows = Generator[bytes, None, None]
"""The bytes of a file, on their way. What is behind them ends when it is closed."""

_TYPES = {".gz": "application/gzip", ".zip": "application/zip", ".pgp": "application/pgp-encrypted"}


@dataclass(frozen=True, slots=True)
class Wrapping:
    """What is done to a file's rows before they are written.

    Attributes:
        kind: csv or json.
        public_key: for whom they are encrypted; None for nobody.
        compress_first: whether they are compressed before they are encrypted.
    """

    kind: str
    compression: Compression = "none"
    public_key: str | None = None
    compress_first: bool = False

    @property
    def extension(self) -> str:
        return extension(
            self.kind, self.compression, encrypted=self.public_key is not None, compress_first=self.compress_first
        )

    @property
    def content_type(self) -> str:
        """What the blob says that it is: the outermost of all."""
        plain = "text/csv; charset=utf-8" if self.kind == "csv" else "application/x-ndjson"
        return _TYPES.get(Path(self.extension).suffix, plain)

    @contextlib.contextmanager
    def around(
        self, rows: Rows, name: str, *, threads: int, scratch: Path, moment: datetime
    ) -> Iterator[Iterator[bytes]]:
        """The bytes of the blob; `rows`, and all that goes on behind them, has ended after it.

        Args:
            name: of the blob.
            moment: that a zip archive tells.
        """
        with ExitStack() as stack:
            content: Rows = stack.enter_context(closing(rows))
            steps = ("compress", "encrypt") if self.compress_first else ("encrypt", "compress")
            for step in steps:
                if step == "encrypt" and self.public_key is not None:
                    content = stack.enter_context(closing(encrypted(content, self.public_key, scratch)))
                elif step == "compress" and self.compression == "gzip":
                    content = stack.enter_context(closing(gzipped(content, threads)))
                elif step == "compress" and self.compression == "zip":
                    inside = self._inside_zip(name)
                    content = stack.enter_context(closing(zipped(content, inside, moment)))
            yield content

    def _inside_zip(self, name: str) -> str:
        """The archive's one file is called as the blob, without what is undone before it."""
        base = name.rpartition("/")[2]
        return base[: base.rindex(".zip")] if ".zip" in base else base


def manifest(blob: StagedBlob, *, run_id: str, fields: Iterable[str], **more: Any) -> bytes:
    """A blob's manifest, as JSON.

    Args:
        fields: the file's columns, in order.
        more: further keys.
    """
    told = {"run": run_id, "blob": blob.name, "bytes": blob.bytes, "sha256": blob.sha256, "fields": list(fields)}
    return (json.dumps({**told, **more}, ensure_ascii=False, indent=2) + "\n").encode()


def to_data(blob: StagedBlob) -> dict[str, Any]:
    """As JSON values, for a part's result."""
    return asdict(blob)


def of_data(data: dict[str, Any]) -> StagedBlob:
    """From what `to_data` gave."""
    return StagedBlob(data["name"], tuple(data["blocks"]), data["bytes"], data["sha256"])
