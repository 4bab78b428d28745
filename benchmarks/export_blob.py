"""How long an export takes beside the work that nobody gets around: COPY to a local file, and the upload of that file.

Run by hand: `python benchmarks/export_blob.py`. The events of a stream go to Azurite as CSV, plain, with gzip and with
PGP; in the same turns DuckDB copies the same files to a local one, `gzip -6` and `gpg` read that through a pipe, and
the SDK uploads what came out. README.md in this folder says what is in each figure and what is not.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import json
import multiprocessing
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from deltalake import DeltaTable
from export_data import AUDIENCE, DEFINED, STREAM, people_of, profile_files, stream_of
from measuring import HEADINGS, Row, Taken, run
from our_import import AUTHORIZATION, Operator, give_secret

from lytics_azure_tui.azure.blob import BlobStore
from lytics_azure_tui.azure.upload import Uploader
from lytics_azure_tui.model.audience_csv import AudienceCsv
from lytics_azure_tui.model.authorization import AzureStorage
from lytics_azure_tui.model.connection_string import StorageConnection
from lytics_azure_tui.model.event_export import EventExport
from lytics_azure_tui.model.secret import Secret
from lytics_azure_tui.sandbox.azurite import Azurite
from lytics_azure_tui.sandbox.cache import cache_folder

CONTAINER = "exports"
PEAK_GOAL = 400e6

COPY, UPLOAD, LARGE = "DuckDB's COPY to a local file", "SDK upload, its blocks, 4 at a time", "SDK upload, 8 MiB blocks"
GZIP, GZIP_UPLOAD = "gzip -6 of that file", "SDK upload of that"
GPG, GPG_UPLOAD = "gpg of that file", "SDK upload of what gpg made"
PLAIN, ZIPPED, HIDDEN = "export: its process, start to end", "export with gzip", "export with PGP"
COPY_PEOPLE, PEOPLE_UPLOAD, PEOPLE = (
    "DuckDB's COPY of profiles",
    "SDK upload of that file",
    "export of an audience as CSV",
)
SUMS = {
    PLAIN: "COPY + upload",
    ZIPPED: "COPY + gzip -6 + upload",
    HIDDEN: "COPY + gpg + upload",
    PEOPLE: "COPY of profiles + upload",
}


@dataclass(slots=True)
class Benchmark:
    """All that is measured, and what was not as it should be.

    Args:
        azurite: takes the files.
        workspace: holds the stream.
        people: holds it too, with its profiles and an audience of all of them.
        apart: a process for what takes much memory: what starts the measured processes has to be small.
        reader: gpg's home, with the private key.
        public_key: of that.
    """

    azurite: Azurite
    workspace: Path
    people: Path
    rows_wanted: int
    apart: ProcessPoolExecutor
    reader: Path
    public_key: str
    rows: dict[str, Row] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def round(self, scratch: Path) -> None:
        """Takes everything once."""
        self._export(scratch / "plain", PLAIN, "none", None)
        self._export(scratch / "zipped", ZIPPED, "gzip", None)
        self._export(scratch / "hidden", HIDDEN, "none", self.public_key)
        self._bare(scratch / "bare")
        self._audience(scratch / "audience")

    def _export(self, root: Path, name: str, compress: str, key: str | None) -> None:
        config = EventExport.model_validate({"container": CONTAINER, "compress": compress, "streams": [STREAM]})
        authorization = AzureStorage(id=AUTHORIZATION, label="Storage", pgppublickey=key)
        self._run(Operator(root, authorization, config), self.workspace, name, compress, key)
        shutil.rmtree(root)

    def _audience(self, root: Path) -> None:
        config = AudienceCsv(segment_id=AUDIENCE, container=CONTAINER, backfill_only=True, manifest=False)
        operator = Operator(root, AzureStorage(id=AUTHORIZATION, label="Storage"), config)
        operator.define(DEFINED)
        self._run(operator, self.people, PEOPLE, "none", None)
        names = root / "files"
        names.write_text("\n".join(profile_files(self.people)))
        columns = "* EXCLUDE (_identifiers, _conflicts, _state, _build, _gone)"
        took = self._baseline(root / "people.csv", "--files", str(names), "--columns", columns, "--block", "8")
        self._keep(COPY_PEOPLE, Taken(**took["copy"]))
        self._keep(PEOPLE_UPLOAD, Taken(**took["upload"]))
        shutil.rmtree(root)

    def _run(self, operator: Operator, workspace: Path, name: str, compress: str, key: str | None) -> None:
        operator.workspace.parent.mkdir(parents=True, exist_ok=True)
        operator.workspace.symlink_to(workspace)
        taken, _, ended = operator.run()
        self._keep(name, taken)
        blob = ended.about.rpartition(f"{CONTAINER}/")[2]
        home = str(self.reader) if key else None
        found = self.apart.submit(_rows_of, self.azurite.connection_string.reveal(), blob, compress, home).result()
        wanted = self.rows_wanted if workspace == self.workspace else ended.rows
        if found != wanted or ended.rows != wanted:
            self.wrong.append(f"{name}: {found:,} rows read, {ended.rows:,} told, {wanted:,} wanted")

    def _bare(self, folder: Path) -> None:
        folder.mkdir()
        names = folder / "files"
        names.write_text("\n".join(self.apart.submit(_files, self.workspace).result()))
        plain, small, hidden = (folder / name for name in ("events.csv", "events.csv.gz", "events.csv.pgp"))
        took = self._baseline(plain, "--files", str(names))
        self._keep(COPY, Taken(**took["copy"]))
        self._keep(UPLOAD, Taken(**took["upload"]))
        self._keep(LARGE, Taken(**self._baseline(plain, "--block", "8")["upload"]))
        self._keep(GZIP, self._shell(f"gzip -6 < {plain} > {small}"))
        self._keep(GZIP_UPLOAD, Taken(**self._baseline(small, "--block", "8")["upload"]))
        how = f"gpg --homedir {self.reader} --batch --trust-model always --compress-algo none -r reader@example.com"
        self._keep(GPG, self._shell(f"{how} --encrypt < {plain} > {hidden}"))
        self._keep(GPG_UPLOAD, Taken(**self._baseline(hidden, "--block", "8")["upload"]))
        shutil.rmtree(folder)

    def _shell(self, line: str) -> Taken:
        return run(["sh", "-c", line], dict(os.environ), "/")[0]

    def _baseline(self, file: Path, *how: str) -> dict[str, Any]:
        script = str(Path(__file__).with_name("baseline_export.py"))
        command = [sys.executable, script, CONTAINER, str(file), *how]
        _, said = run(command, dict(os.environ), "/", given=self.azurite.connection_string.reveal())
        return cast(dict[str, Any], json.loads(said))

    def _keep(self, name: str, taken: Taken) -> None:
        self.rows.setdefault(name, Row(name, [])).taken.append(taken)

    # What is printed

    def sums(self) -> dict[str, Row]:
        """What each export is compared with: the steps one after the other, each by the way that was the faster."""
        upload = min(self.rows[UPLOAD], self.rows[LARGE], key=lambda row: row.seconds)
        steps = {
            PLAIN: (self.rows[COPY], upload),
            ZIPPED: (self.rows[COPY], self.rows[GZIP], self.rows[GZIP_UPLOAD]),
            HIDDEN: (self.rows[COPY], self.rows[GPG], self.rows[GPG_UPLOAD]),
            PEOPLE: (self.rows[COPY_PEOPLE], self.rows[PEOPLE_UPLOAD]),
        }
        return {
            name: Row(SUMS[name], [_sum(turn) for turn in zip(*(row.taken for row in rows), strict=True)])
            for name, rows in steps.items()
        }

    def table(self) -> str:
        """All rows; each ratio is to the sum above it."""
        lines = [HEADINGS]
        lines += [self.rows[name].text(None) for name in STEPS]
        for name, bare in self.sums().items():
            lines += [bare.text(1.0), self.rows[name].text(self.rows[name].seconds / bare.seconds)]
        return "\n".join(lines)

    def goals(self) -> str:
        """Each goal, what came out, and whether it was met."""
        lines = []
        for name, bare in self.sums().items():
            ratio = self.rows[name].seconds / bare.seconds
            lines.append(_goal(f"{name.partition(':')[0]} / ({bare.name})", f"{ratio:.2f}x", "≤ 1.00x", ratio <= 1))
        for name, program in ((ZIPPED, GZIP), (HIDDEN, GPG)):
            lines.append(f"{name} / {program} alone: {self.rows[name].seconds / self.rows[program].seconds:.2f}x")
        peak = max(self.rows[name].peak or 0 for name in SUMS)
        lines.append(_goal("peak memory of any of these runs", f"{peak / 1e6:.0f} MB", "≤ 400 MB", peak <= PEAK_GOAL))
        return "\n".join(lines)


def _sum(turn: tuple[Taken, ...]) -> Taken:
    return Taken(sum(taken.seconds for taken in turn), sum(taken.cpu or 0 for taken in turn))


def _goal(what: str, found: str, goal: str, met: bool) -> str:
    return f"{what:52}{found:>10}   goal {goal:>9}   {'met' if met else 'not met'}"


def _files(workspace: Path) -> list[str]:
    return sorted(DeltaTable(str(workspace / "streams" / STREAM)).file_uris())


def _rows_of(secret: str, blob: str, compress: str, home: str | None) -> int:
    """Downloads a blob and counts its rows with Python's own readers and gpg."""
    with (
        closing(BlobStore(StorageConnection.parse(Secret(secret)))) as store,
        tempfile.TemporaryFile(dir=cache_folder()) as file,
        tempfile.TemporaryFile(dir=cache_folder()) as clear,
    ):
        info = store.blob(CONTAINER, blob)
        for block in store.stream(CONTAINER, blob, info.etag, 0, info.size):
            file.write(block)
        file.seek(0)
        read: Any = file
        if home:
            subprocess.run(
                ["gpg", "--homedir", home, "--batch", "--quiet", "--decrypt"], stdin=file, stdout=clear, check=True
            )
            clear.seek(0)
            read = clear
        if compress == "gzip":
            read = gzip.GzipFile(fileobj=read)
        with io.TextIOWrapper(read, encoding="utf-8", newline="") as text:
            return sum(1 for _ in csv.reader(text)) - 1


@contextmanager
def _reader() -> Iterator[tuple[Path, str]]:
    """(gpg's home with a private key, the public key)."""
    with tempfile.TemporaryDirectory(prefix="gpg", ignore_cleanup_errors=True) as home:
        gpg = ["gpg", "--homedir", home, "--batch", "--quiet"]
        made = [*gpg, "--passphrase", "", "--quick-gen-key", "reader@example.com", "future-default", "default", "0"]
        subprocess.run(made, check=True, capture_output=True)
        key = subprocess.run([*gpg, "--armor", "--export"], check=True, capture_output=True, text=True).stdout
        yield Path(home), key
        subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=False, capture_output=True)


def _create(secret: str) -> None:
    with Uploader(StorageConnection.parse(Secret(secret))) as uploader:
        uploader.create_container(CONTAINER)


def _load() -> str:
    return " ".join(f"{load:.1f}" for load in os.getloadavg())


def main() -> int:
    """Measures, and prints tables. The status is 1 when a file does not hold the stream's rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=5_000_000, help="of the stream (default: 5,000,000)")
    parser.add_argument("--repeat", type=int, default=3, help="how often each is taken, in turns (default: 3)")
    options = parser.parse_args()
    home = cache_folder() / "benchmarks"
    home.mkdir(exist_ok=True)
    with (
        ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as apart,
        tempfile.TemporaryDirectory(dir=home, prefix="run-") as scratch,
        _reader() as (reader, key),
    ):
        workspace = apart.submit(stream_of, options.rows).result()
        people = apart.submit(people_of, options.rows).result()
        with Azurite(Path(scratch, "azurite"), say=print) as azurite:
            secret = azurite.connection_string.reveal()
            apart.submit(_create, secret).result()
            give_secret("connection_string", secret)
            benchmark = Benchmark(azurite, workspace, people, options.rows, apart, reader, key)
            print(f"{options.rows:,} rows; {os.cpu_count()} processors; load {_load()}", flush=True)
            for turn in range(options.repeat):
                with tempfile.TemporaryDirectory(dir=scratch) as folder:
                    benchmark.round(Path(folder))
                print(f"round {turn + 1} of {options.repeat} done; load {_load()}", flush=True)
    print(f"\n{benchmark.table()}\n\n{benchmark.goals()}")
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(f"No peak can be told that is below {own / 1e6:.0f} MB, which the measuring process held itself.")
    for line in benchmark.wrong:
        print(f"WRONG: {line}")
    return 1 if benchmark.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
