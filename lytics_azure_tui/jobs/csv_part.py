"""One part of an import: a stretch of a file, downloaded, split, converted and written where nobody looks yet.

Download, splitting and conversion run side by side: one thread walks through the blocks and cuts chunks, the others
turn them into Parquet. Memory is bounded by the number of chunks in flight, whatever the file's size.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass, field, replace
from operator import attrgetter
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, BinaryIO

from lytics_azure_tui.errors import Fatal
from lytics_azure_tui.jobs import quarantine
from lytics_azure_tui.jobs.csv_clean import Cleaner, Reject
from lytics_azure_tui.jobs.csv_convert import Chunk, Converter
from lytics_azure_tui.jobs.csv_diff import changed_rows
from lytics_azure_tui.jobs.csv_encoding import decoded, encoded
from lytics_azure_tui.jobs.csv_file import FilePart
from lytics_azure_tui.jobs.csv_records import Grammar, Piece, Record, Splitter, records
from lytics_azure_tui.jobs.csv_source import PinnedBlob, text_blocks
from lytics_azure_tui.jobs.csv_times import judge
from lytics_azure_tui.jobs.decompress import BLOCK
from lytics_azure_tui.jobs.decrypt import Decryption
from lytics_azure_tui.jobs.json_lines import Fields, line_of, record
from lytics_azure_tui.jobs.kind import Context, Sink
from lytics_azure_tui.jobs.quarantine import QuarantinedRow, QuarantinedRows
from lytics_azure_tui.lytics.protocol import StagedFile
from lytics_azure_tui.model.run import Part, PartResult

if TYPE_CHECKING:
    from lytics_azure_tui.azure.blob import BlobStore

CHUNK = 32 << 20
"""Bytes of text that become one Parquet file."""

_COLUMN = 192 << 10
"""Bytes that DuckDB takes for a column while it parses a chunk and writes it as Parquet, however few its rows."""


@dataclass(slots=True)
class _Tally:
    """What has been done so far; changed under a lock by the threads that convert."""

    files: list[StagedFile] = field(default_factory=list)
    readable: list[Chunk] = field(default_factory=list)
    rows: int = 0
    rejected: int = 0
    passed: int = 0
    bytes: int = 0
    records: int = 0
    date_order: str | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


class PartRun:
    """Does one part.

    Args:
        context: of the run.
        part: its place, for the names of what it writes.
        spec: the stretch.
        sink: where it tells how it goes.
    """

    def __init__(self, context: Context, part: Part, spec: FilePart, sink: Sink) -> None:
        self._context = context
        self._part = part
        self._spec = spec
        self._sink = sink
        self._layout = spec.layout(context)
        self._grammar = spec.shape.grammar
        self._tally = _Tally()
        self._spare: SimpleQueue[Path] = SimpleQueue()
        self._spools = 0
        self._staging = context.lytics.staging(_stream(context))
        self._quarantine = quarantine.folder_of(context.keep, context.run_id) / f"part-{part.index:05}"
        self._scratch = context.scratch / f"part-{part.index}"
        for folder in (self._staging, self._scratch):
            folder.mkdir(parents=True, exist_ok=True)
        self._hashes = Path(spec.hashes or self._scratch)
        self._hashes.mkdir(parents=True, exist_ok=True)

    def run(self, store: BlobStore, before: PartResult | None) -> PartResult:
        """Reads, converts, and says what lies ready."""
        spec = self._spec
        start = {"offset": spec.lead, "row": 1, "line": spec.first_line}
        if before is not None and spec.start > spec.lead:
            start = before.data["next"]
        splitter = Splitter(self._grammar, **start)
        handle = self._import if not self._spec.hashes else self._hash
        number = 0
        with self._workers(handle) as submit:
            for chunk in self._chunks(self._pieces(store, splitter)):
                submit(number, chunk)
                number += 1
        unchanged = self._select(number) if self._spec.hashes else 0
        after = {"offset": splitter.offset, "row": splitter.row, "line": splitter.line}
        return self._result({"next": after, "unchanged": unchanged, "date_order": self._tally.date_order})

    def replay(self, batches: Iterable[list[QuarantinedRow]]) -> PartResult:
        """Converts quarantined rows of the file again, under the numbers that they had."""
        converter = self._converter(1)
        size = 0
        try:
            for number, rows in enumerate(batches):
                self._sink.check()
                size += sum(len(row.raw) for row in rows)
                chunk = Chunk(self._scratch / "replay.csv", 0, 0, 1, len(rows), rows[-1].row, 0, clean=False)
                texts = [b"".join(decoded([row.raw], self._spec.encoding)) for row in rows]
                if self._spec.is_json:
                    known = Fields(self._spec.text.json_fields)
                    texts = [
                        record(text, known, row.line, row.byte)[:-1] for row, text in zip(rows, texts, strict=True)
                    ]
                again = (
                    Record(row.row, row.line, row.byte, text, _problem(text, self._grammar))
                    for row, text in zip(rows, texts, strict=True)
                )
                with self._rejects(number) as reject:
                    cleaned = Cleaner(converter, chunk, reject).records(again)
                    self._count(converter.write_all(cleaned, self._target(number)))
                self._sink.progress(
                    f"reading quarantined rows of {self._spec.name}",
                    bytes_done=size,
                    rows=self._tally.rows,
                    rejected=self._tally.rejected,
                )
        finally:
            converter.close()
        self._tally.bytes = size
        return self._result({"unchanged": 0})

    def _result(self, data: dict[str, Any]) -> PartResult:
        tally = self._tally
        files = [asdict(file) for file in sorted(tally.files, key=lambda file: file.path)]
        quarantined = str(self._quarantine) if tally.rejected else None
        refused = tally.rejected if self._spec.refused else 0
        return PartResult(
            self._part.index, tally.rows, tally.rejected, tally.bytes, quarantined,
            {"stream_files": files, "passed": tally.passed, "refused": refused, **data},
        )  # fmt: skip

    # Reading

    def _pieces(self, store: BlobStore, splitter: Splitter) -> Iterator[Piece]:
        spec = self._spec
        blocks = text_blocks(
            PinnedBlob(store, spec.container, spec.name, spec.etag, spec.size, self._downloaded),
            spec.text,
            decrypt=Decryption.of(self._context.authorization),
            scratch=self._scratch,
            offset=splitter.offset,
            end=spec.end,
            on_passed=self._passed,
        )
        # A record that crosses the end is read to its own end by the part that it begins in.
        for piece in splitter.split(blocks, final=spec.end is None):
            self._sink.check()
            self._tell()
            yield piece

    def _passed(self, count: int) -> None:
        self._tally.passed += count

    def _downloaded(self, count: int) -> None:
        with self._tally.lock:
            self._tally.bytes += count

    def _tell(self) -> None:
        tally = self._tally
        self._sink.progress(
            f"reading {self._spec.name}", bytes_done=tally.bytes, rows=tally.rows, rejected=tally.rejected
        )

    def _chunks(self, pieces: Iterator[Piece]) -> Iterator[Chunk]:
        """Gathers pieces into files of about `CHUNK` bytes; the first are smaller, so that nobody waits for long."""
        gathered: list[Piece] = []
        file = None
        size, enough = 0, min(BLOCK, CHUNK)
        for piece in pieces:
            if file is None:
                file = self._spool()
            size += sum(file.write(buffer) for buffer in piece.buffers)
            # What was written is not needed again: only the figures are kept.
            gathered.append(replace(piece, buffers=()))
            if size >= enough:
                yield _chunk(file, size, gathered)
                file, size, gathered = None, 0, []
                enough = min(2 * enough, CHUNK)
        if file is not None:
            yield _chunk(file, size, gathered)

    def _spool(self) -> BinaryIO:
        """A file for a chunk: one that is no longer needed, if there is one, as its pages are in memory already."""
        try:
            return self._spare.get_nowait().open("r+b")
        except Empty:
            self._spools += 1
            return (self._scratch / f"chunk-{self._spools}.csv").open("wb")

    # Converting

    def _converter(self, workers: int) -> Converter:
        memory = max(48 << 20, self._memory // workers)
        return Converter(self._layout, memory=memory, spill=self._scratch / "spill")

    @property
    def _memory(self) -> int:
        """Bytes for all converters; a third of the run's are for the blocks in flight and the program itself."""
        return self._context.memory * 2 // 3

    @property
    def _side_by_side(self) -> int:
        """Converters at once: one for each thread, and fewer where a file has so many columns that each needs more."""
        return max(1, min(self._context.threads, self._memory // (len(self._spec.header) * _COLUMN)))

    @contextmanager
    def _workers(self, handle: Callable[[Converter, int, Chunk], None]) -> Iterator[Callable[[int, Chunk], None]]:
        """Yields a function that hands a chunk to a thread; it waits while one lies ready for whoever ends first."""
        count = self._side_by_side
        idle: SimpleQueue[Converter] = SimpleQueue()
        pending: deque[Future[None]] = deque()

        def work(number: int, chunk: Chunk) -> None:
            # One is made when it is needed: the download does not wait for it, and a small file needs but one.
            try:
                converter = idle.get_nowait()
            except Empty:
                converter = stack.enter_context(closing(self._converter(count)))
            try:
                handle(converter, number, chunk)
            finally:
                idle.put(converter)

        def submit(number: int, chunk: Chunk) -> None:
            while len(pending) > count:
                pending.popleft().result()
            pending.append(pool.submit(work, number, chunk))

        with ExitStack() as stack, ThreadPoolExecutor(count, thread_name_prefix="convert") as pool:
            try:
                yield submit
                while pending:
                    pending.popleft().result()
                    self._sink.check()
                    self._tell()
            finally:
                for future in pending:
                    future.cancel()

    def _target(self, number: int) -> Path:
        return self._staging / f"{self._context.run_id}-{self._part.index:05}-{number:05}.parquet"

    def _prove(self, converter: Converter, chunk: Chunk) -> None:
        """Looks for dates that prove an order, where nothing has proven one so far."""
        if self._spec.order_open and self._tally.date_order is None and self._spec.time_index is not None:
            column = self._spec.header[self._spec.time_index]
            texts = converter.telling(chunk)
            self._tally.date_order = judge(self._context.keep, self._context.run_id, column, texts)

    def _import(self, converter: Converter, number: int, chunk: Chunk) -> None:
        self._prove(converter, chunk)
        with self._rejects(number) as reject:
            staged = converter.import_chunk(chunk, self._target(number), reject)
        self._spare.put(chunk.path)
        self._count(staged)

    @contextmanager
    def _rejects(self, number: int) -> Iterator[Reject]:
        """Yields what takes those rows of a chunk that cannot be used."""
        writer = quarantine.Writer(self._quarantine, f"{number:05}")
        encoding = self._spec.encoding

        def reject(rows: QuarantinedRows) -> None:
            if self._spec.is_json:
                rows = _lines_of(rows, len(self._spec.header))
            # As they lie in the blob: a job that is told another encoding can read them again.
            writer.add(replace(rows, raw=[encoded(raw, encoding) for raw in rows.raw], encoding=encoding))

        yield reject
        writer.flush()
        with self._tally.lock:
            if writer.rows:
                quarantine.remember(self._quarantine, self._layout.source, self._spec.to_spec())
            self._tally.rejected += writer.rows

    def _count(self, staged: StagedFile | None) -> None:
        if staged is not None:
            with self._tally.lock:
                self._tally.files.append(staged)
                self._tally.rows += staged.rows

    # Diff

    def _hash(self, converter: Converter, number: int, chunk: Chunk) -> None:
        self._prove(converter, chunk)
        target = self._hashes / f"{self._part.index:05}-{number:05}.parquet"
        with self._rejects(number) as reject:
            readable = converter.hash_chunk(chunk, target, reject)
        if self._spec.compare is None:
            self._count(converter.write_all(readable, self._target(number)))
            return
        with self._tally.lock:
            self._tally.records += readable.rows
            self._tally.readable.append(readable)

    def _select(self, chunks: int) -> int:
        """Imports the rows that the file before did not have; returns how many it had."""
        compare = self._spec.compare
        if compare is None or not chunks:
            return 0
        self._sink.progress(
            f"comparing {self._spec.name}", bytes_done=self._tally.bytes, rows=0, rejected=self._tally.rejected
        )
        only = self._scratch / "changed.parquet"
        pattern = f"{self._part.index:05}-*.parquet"
        readable = sorted(self._tally.readable, key=attrgetter("row"))
        touched = changed_rows(
            sorted(self._hashes.glob(pattern)),
            Path(compare),
            only,
            [(chunk.row, chunk.last) for chunk in readable],
            # No more than what is free now: the threads that hashed give back less than they had.
            memory=self._context.memory // 6,
            threads=self._context.threads,
            spill=self._scratch / "spill",
        )

        def write(converter: Converter, number: int, chunk: Chunk) -> None:
            staged = converter.write(chunk, self._target(number), only)
            chunk.path.unlink()
            self._count(staged)

        with self._workers(write) as submit:
            for number, chunk in enumerate(self._touched(readable, only, touched)):
                self._sink.check()
                submit(number, chunk)
        expected = sum(touched)
        if self._tally.rows != expected:
            raise Fatal(
                f"the changed rows of {self._layout.source} do not add up: {expected:,} are new and "
                f"{self._tally.rows:,} were written",
                why="The same rows were read differently twice; nothing was imported",
                fix="Please report this with the file's first lines",
            )
        return self._tally.records - expected

    def _touched(self, chunks: Sequence[Chunk], only: Path, counts: Sequence[int]) -> Iterator[Chunk]:
        """What the changed rows are read from: their chunks, or where they are few, they alone, of several chunks."""
        few: list[Record] = []
        with closing(self._converter(self._side_by_side)) as reader:
            for number, (chunk, count) in enumerate(zip(chunks, counts, strict=True)):
                found = reader.few(chunk, only, count) if count else []
                if found is None:
                    yield chunk
                    continue
                chunk.path.unlink()
                few += found
                if sum(len(record.raw) for record in few) >= BLOCK:
                    yield reader.gathered(few, self._scratch / f"few-{number}.csv")
                    few = []
            if few:
                yield reader.gathered(few, self._scratch / "few.csv")


def _lines_of(rows: QuarantinedRows, width: int) -> QuarantinedRows:
    """Lines of JSON with their places, of the records that were made of them."""
    found = [line_of(raw, width) for raw in rows.raw]
    return replace(
        rows,
        line=[line.number for line in found],
        byte=[line.offset for line in found],
        raw=[line.text for line in found],
        reason=[line.problem or reason for line, reason in zip(found, rows.reason, strict=True)],
    )


def _chunk(file: BinaryIO, size: int, pieces: list[Piece]) -> Chunk:
    file.truncate(size)
    file.close()
    first, last = pieces[0], pieces[-1]
    return Chunk(
        path=Path(file.name),
        offset=first.offset,
        row=first.row,
        line=first.line,
        rows=sum(piece.rows for piece in pieces),
        last=last.row + last.rows - 1,
        longest=max(piece.longest for piece in pieces),
        clean=all(piece.clean for piece in pieces),
        plain=all(piece.plain for piece in pieces),
    )


def _problem(raw: bytes, grammar: Grammar) -> str:
    """Why a record, taken by itself, cannot be parsed; empty when it can."""
    found = list(records(Piece.whole(raw), grammar))
    if len(found) > 1:
        return "it is more than one record"
    return found[0].problem if found else "it is empty"


def _stream(context: Context) -> str:
    return str(context.job.config.stream)  # type: ignore[attr-defined]
