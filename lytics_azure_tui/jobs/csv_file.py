"""A stretch of a CSV file: what a part's `spec` holds, and how its records become a stream's rows."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from lytics_azure_tui.jobs.csv_batch import Shape
from lytics_azure_tui.jobs.csv_convert import Layout
from lytics_azure_tui.jobs.kind import Context
from lytics_azure_tui.model.run import Part


@dataclass(frozen=True, slots=True)
class FilePart:
    """A stretch of a file: the `spec` of a part.

    Attributes:
        file: the file's place in the run.
        container, name, etag, size, compression, encoding, mark, newline, delimiter: as in `CsvLook`.
        header_line: the header as it stands in the file.
        header: the columns as they are called in a stream.
        picks: (index, name of the stream's column) of those that are imported.
        time_index, time_form: as in `csv_convert.Layout`.
        start, end: bytes of the text; the records that begin in between, about. End None: to the end of the file.
        hashes: the folder for this file's row hashes; None without Diff.
        compare: the folder with those of the file before; None when there is none.
    """

    file: int
    container: str
    name: str
    etag: str
    size: int
    compression: str
    encoding: str
    mark: int
    newline: str
    delimiter: str
    header_line: str
    header: tuple[str, ...]
    picks: tuple[tuple[int, str], ...]
    time_index: int | None
    time_form: str | None
    start: int = 0
    end: int | None = None
    hashes: str | None = None
    compare: str | None = None

    @classmethod
    def of(cls, part: Part) -> FilePart:
        """From a part's JSON, where tuples have become lists."""
        spec = dict(part.spec)
        spec["header"] = tuple(spec["header"])
        spec["picks"] = tuple((index, name) for index, name in spec["picks"])
        return cls(**spec)

    def to_spec(self) -> dict[str, Any]:
        """As a part's JSON."""
        return asdict(self)

    def layout(self, context: Context) -> Layout:
        """How its records become rows."""
        shape = Shape(self.delimiter, len(self.header), len(self.header))
        return Layout(
            shape=shape, picks=self.picks, time_index=self.time_index, time_form=self.time_form,
            newline="\n" if self.newline == "\r" else self.newline,
            source=f"{self.container}/{self.name}", run_id=context.run_id, started=context.started,
        )  # fmt: skip
