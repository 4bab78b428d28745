"""A stretch of a CSV file: what a part's `spec` holds, and how its records become a stream's rows."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from lytics_azure_tui.jobs.csv_batch import Shape
from lytics_azure_tui.jobs.csv_convert import Layout
from lytics_azure_tui.jobs.csv_header import Opening, fields
from lytics_azure_tui.jobs.csv_source import TextFile
from lytics_azure_tui.jobs.formats import JSON_LINES
from lytics_azure_tui.jobs.kind import Context
from lytics_azure_tui.lytics.time_grammar import DateOrder
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
        asked: the delimiter of the job, which the file's own has the last word over.
        lead: bytes of the text before the first row.
        first_line: physical line of the first row.
        width: as in `CsvLook`; None for as many fields as the header names.
        skip_lines, skip_footer: as the job says.
        refused: why all of its rows go to quarantine; empty for a file that is imported.
        start, end: bytes of the text; the records that begin in between, about. End None: to the end of the file.
        hashes: the folder for this file's row hashes; None without Diff.
        compare: the folder with those of the file before; None when there is none.
        time_order: of the numbers of a date; None is by the rules of `event_time`.
        order_open: whether a value that proves another order makes the run start over.
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
    asked: str | None = None
    lead: int = 0
    first_line: int = 2
    width: int | None = None
    skip_lines: int = 0
    skip_footer: int = 0
    refused: str = ""
    start: int = 0
    end: int | None = None
    hashes: str | None = None
    compare: str | None = None
    time_order: str | None = None
    order_open: bool = False

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

    @property
    def shape(self) -> Shape:
        """Of its records."""
        return Shape(self.delimiter, len(self.header), self.width or len(self.header))

    @property
    def is_json(self) -> bool:
        """Whether it is newline-delimited JSON; then the last field of its header is the line itself."""
        return self.compression.endswith(JSON_LINES)

    @property
    def text(self) -> TextFile:
        """How its rows are read."""
        names = () if self.header_line else self.header
        return TextFile(
            compression=self.compression, encoding=self.encoding, mark=self.mark, newline=self.newline,
            opening=Opening(self.delimiter, self.skip_lines, names), header=self.header, end=self.lead,
            skip_footer=self.skip_footer, json_fields=tuple(fields(self.header_line, ","))[:-1] if self.is_json else (),
        )  # fmt: skip

    def layout(self, context: Context) -> Layout:
        """How its records become rows."""
        return Layout(
            shape=self.shape, picks=self.picks, time_index=self.time_index, time_form=self.time_form,
            newline="\r\n" if self.newline in ("\r\n", "\r\r\n") else "\n",
            source=f"{self.container}/{self.name}", run_id=context.run_id, started=context.started,
            refused=self.refused,
            time_order=DateOrder(self.time_order) if self.time_order else None,
        )  # fmt: skip
