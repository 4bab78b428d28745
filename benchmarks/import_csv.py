"""How long an import takes beside the work that nobody gets around, and beside two peers.

Run by hand: `python benchmarks/import_csv.py`. A CSV file goes from Azurite into a committed stream; in the same turns
the SDK downloads the same blob to disk and DuckDB converts that copy to Parquet, and sling and dlt load it into local
Parquet. README.md in this folder says what is in each figure and what is not.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import shutil
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import peers
from import_data import DAYS, Customers, Sums, count, customers, name_of
from measuring import HEADINGS, Failed, Row, Taken, run
from our_import import Operator, committed, give_secret, of_files

from lytics_azure_tui.azure.upload import Uploader
from lytics_azure_tui.model.connection_string import StorageConnection
from lytics_azure_tui.model.run import Run
from lytics_azure_tui.model.secret import Secret
from lytics_azure_tui.sandbox.azurite import Azurite
from lytics_azure_tui.sandbox.cache import cache_folder

FIRST, SECOND = "first", "second"
"""Two containers: files that a plain import reads, and the sequence that Diff follows."""

PEAK_GOAL = 400e6
DIFF_GOAL = 1.3

IMPORT, INSIDE = "import: its process, start to end", "  of that, the run by the ledger"
DOWNLOAD, SIDE_BY_SIDE = "SDK download, its defaults", "SDK download, 4 at a time, 16 MiB each"
TEXT, TYPED = "DuckDB's conversion, all text", "DuckDB's conversion, types guessed"
BARE = "download + conversion, the faster of each"
DIFF_FIRST, DIFF_NEXT = "import with Diff, first day", "import with Diff, next day, 1 % changed"
PEERS = {"sling": peers.sling, "dlt": peers.dlt}


@dataclass(slots=True)
class Benchmark:
    """All that is measured, and what was not as it should be.

    Args:
        azurite: holds the files.
        data: the files.
        apart: a process for what takes much memory: what starts the measured processes has to be small.
    """

    azurite: Azurite
    data: Customers
    apart: ProcessPoolExecutor
    rows: dict[str, Row] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)

    @property
    def secret(self) -> str:
        return self.azurite.connection_string.reveal()

    def round(self, scratch: Path, with_peers: bool) -> None:
        """Takes everything once."""
        self._plain(scratch / "plain")
        self._bare(scratch / "bare", DOWNLOAD, TEXT, "--text")
        self._bare(scratch / "bare", SIDE_BY_SIDE, TYPED, "--side-by-side")
        self._diff(scratch / "diff")
        for name, load in PEERS.items():
            if with_peers and name not in self.failed:
                self._peer(scratch / name, name, load)

    def _plain(self, root: Path) -> None:
        operator = of_files(root, FIRST, diff=False)
        process, inside, _ = operator.run()
        self._keep(IMPORT, process)
        self._keep(INSIDE, inside)
        self._same("the imported stream", self._committed(operator), self.data.first)
        shutil.rmtree(root)

    def _bare(self, folder: Path, download: str, convert: str, how: str) -> None:
        folder.mkdir()
        script = str(Path(__file__).with_name("baseline.py"))
        command = [sys.executable, script, FIRST, name_of(DAYS[0]), str(folder), how]
        _, said = run(command, dict(os.environ), str(folder), given=self.secret)
        took = json.loads(said)
        self._keep(download, Taken(**took["download"]))
        self._keep(convert, Taken(**took["convert"], peak=took["peak"]))
        found = self.apart.submit(count, str(folder / "*.parquet")).result()
        self._same("the converted copy", found, self.data.first.rows)
        shutil.rmtree(folder)

    def _diff(self, root: Path) -> None:
        operator = of_files(root, SECOND, diff=True)
        self._keep(DIFF_FIRST, operator.run()[0])
        self.upload(SECOND, 1)
        process, _, ended = operator.run()
        self._keep(DIFF_NEXT, process)
        rows, changed = self.data.first.rows, self.data.changed.rows
        # A changed row is one that came and one that went.
        expected = {"imported": changed, "unchanged": rows - changed, "gone": changed, "quarantined": 0}
        self._same("what the run with Diff counted", _counts(ended, expected), expected)
        self._same("the stream after Diff", self._committed(operator), self.data.first + self.data.changed)
        with Uploader(self.azurite.connection) as uploader:
            uploader.delete(SECOND, name_of(DAYS[1]))
        shutil.rmtree(root)

    def _peer(self, folder: Path, name: str, work: Callable[[peers.Load], Taken]) -> None:
        folder.mkdir()
        load = peers.Load(folder, self.azurite.connection.account, self.secret, FIRST, name_of(DAYS[0]))
        try:
            taken = work(load)
            found = self.apart.submit(count, load.written).result()
        except Failed as error:
            self.failed[name] = str(error)
        else:
            if found == self.data.first.rows:
                self._keep(name, taken)
            else:
                self.failed[name] = f"it wrote {found:,} rows of {self.data.first.rows:,}"
        shutil.rmtree(folder)

    def upload(self, container: str, day: int) -> None:
        """Puts a day's file into a container."""
        self.apart.submit(_upload, self.secret, container, self.data.days[day]).result()

    def _committed(self, operator: Operator) -> Sums:
        return self.apart.submit(committed, operator.stream).result()

    def _keep(self, name: str, taken: Taken) -> None:
        self.rows.setdefault(name, Row(name, [])).taken.append(taken)

    def _same(self, what: str, found: object, expected: object) -> None:
        if found != expected:
            self.wrong.append(f"{what}: {found} instead of {expected}")

    # What is printed

    def bare(self) -> Row:
        """Download and conversion together, each by the way that was the faster one here."""
        download = min(self.rows[DOWNLOAD], self.rows[SIDE_BY_SIDE], key=lambda row: row.seconds)
        convert = min(self.rows[TEXT], self.rows[TYPED], key=lambda row: row.seconds)
        pairs = zip(download.taken, convert.taken, strict=True)
        return Row(
            BARE,
            [Taken(one.seconds + two.seconds, (one.cpu or 0) + (two.cpu or 0), two.peak) for one, two in pairs],
        )

    def table(self) -> str:
        """All rows; the ratios are to download and conversion."""
        bare = self.bare()
        lines = [HEADINGS]
        lines += [self.rows[name].text(None) for name in (DOWNLOAD, SIDE_BY_SIDE, TEXT, TYPED)]
        lines.append(bare.text(1.0))
        for name in (IMPORT, INSIDE, DIFF_FIRST, DIFF_NEXT, *PEERS):
            if name in self.rows:
                lines.append(self.rows[name].text(self.rows[name].seconds / bare.seconds))
            elif name in self.failed:
                lines.append(f"{name:46}could not do it: {self.failed[name]}")
        return "\n".join(lines)

    def goals(self) -> str:
        """Each goal, what came out, and whether it was met."""
        ours = self.rows[IMPORT]
        time = ours.seconds / self.bare().seconds
        diff = self.rows[DIFF_NEXT].seconds / ours.seconds
        peak = max(self.rows[name].peak or 0 for name in (IMPORT, DIFF_FIRST, DIFF_NEXT))
        lines = [
            _goal("import / (download + conversion)", f"{time:.2f}x", "≤ 1.00x", met=time <= 1),
            _goal("next day with Diff / import", f"{diff:.2f}x", f"≤ {DIFF_GOAL:.2f}x", met=diff <= DIFF_GOAL),
            _goal("peak memory of any of these runs", f"{peak / 1e6:.0f} MB", "≤ 400 MB", met=peak <= PEAK_GOAL),
        ]
        lines += [
            f"{name} / import: {self.rows[name].seconds / ours.seconds:.2f}x" for name in PEERS if name in self.rows
        ]
        return "\n".join(lines)


def _goal(what: str, found: str, goal: str, *, met: bool) -> str:
    return f"{what:40}{found:>10}   goal {goal:>9}   {'met' if met else 'not met'}"


def _counts(ended: Run, wanted: dict[str, int]) -> dict[str, int | None]:
    return {name: ended.counts.get(name) for name in wanted}


def _upload(secret: str, container: str, path: Path) -> None:
    with Uploader(StorageConnection.parse(Secret(secret))) as uploader:
        uploader.create_container(container)
        uploader.put(container, path.name, path)


def _load() -> str:
    return " ".join(f"{load:.1f}" for load in os.getloadavg())


def main() -> int:
    """Measures, and prints tables. The status is 1 when anything that was imported is not what was in the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=5_000_000, help="of each file (default: 5,000,000)")
    parser.add_argument("--repeat", type=int, default=3, help="how often each is taken, in turns (default: 3)")
    parser.add_argument("--skip-peers", action="store_true", help="leave sling and dlt out")
    options = parser.parse_args()
    home = cache_folder() / "benchmarks"
    home.mkdir(exist_ok=True)
    spawning = multiprocessing.get_context("spawn")
    with (
        ProcessPoolExecutor(1, spawning) as apart,
        tempfile.TemporaryDirectory(dir=home, prefix="run-") as scratch,
    ):
        data = apart.submit(customers, options.rows).result()
        size = data.days[0].stat().st_size
        with Azurite(Path(scratch, "azurite"), say=print) as azurite:
            benchmark = Benchmark(azurite, data, apart)
            give_secret("connection_string", benchmark.secret)
            benchmark.upload(FIRST, 0)
            benchmark.upload(SECOND, 0)
            print(
                f"{options.rows:,} rows, {size / 1e6:,.0f} MB; {os.cpu_count()} processors; load {_load()}", flush=True
            )
            for turn in range(options.repeat):
                with tempfile.TemporaryDirectory(dir=scratch) as folder:
                    benchmark.round(Path(folder), with_peers=not options.skip_peers)
                print(f"round {turn + 1} of {options.repeat} done; load {_load()}", flush=True)
    print(f"\n{benchmark.table()}\n\n{benchmark.goals()}")
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(f"No peak can be told that is below {own / 1e6:.0f} MB, which the measuring process held itself.")
    for line in benchmark.wrong:
        print(f"WRONG: {line}")
    return 1 if benchmark.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
