"""How fast a table is imported, beside a bare loop of pytds over the same table on the same server.

Run by hand: `python benchmarks/import_sql.py`. The table web.activity of the sandbox's SQL server (ten columns: bigint,
int, datetime2(7), three texts, decimal, uniqueidentifier, float, bit) goes into a committed stream, by one session and
by two. README.md in this folder says what is in each figure and what is not.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import peers
from import_data import count
from measuring import HEADINGS, Failed, Row, Taken, processor_seconds, run
from our_import import AUTHORIZATION, STREAM, Operator, give_secret

from lytics_azure_tui.model.authorization import AzureSql
from lytics_azure_tui.model.sql_import import SqlImport
from lytics_azure_tui.sandbox import sample_tables
from lytics_azure_tui.sandbox.cache import cache_folder
from lytics_azure_tui.sandbox.tds import SqlServer

SMALL, LARGE = "web.activity_small", "web.activity"
BARE = "bare fetchmany loop, one session"
ONE, TWO = "import, one session: process, start to end", "import, two sessions: process, start to end"
INSIDE_ONE, INSIDE_TWO = "  of that, the run by the ledger", "  of that, the run by the ledger "
LITTLE = "import, one session, a tenth of the rows"
PEERS = {"sling": peers.sling_table, "dlt": peers.dlt_table}
GOALS = ((ONE, 0.95), (TWO, 1.7), (TWO, 3.0))


class Benchmark:
    """All that is measured, and what was not as it should be.

    Args:
        server: holds the tables.
        rows: of the large one.
        apart: a process for what takes much memory: what starts the measured processes has to be small.
    """

    def __init__(self, server: SqlServer, rows: int, apart: ProcessPoolExecutor) -> None:
        self._server, self._rows, self._apart = server, rows, apart
        self.taken: dict[str, Row] = {}
        self._servers: dict[str, list[float]] = {}
        """Seconds of processors that the server took meanwhile, by what was measured."""
        self.wrong: list[str] = []
        self.failed: dict[str, str] = {}

    def round(self, scratch: Path, *, with_peers: bool) -> None:
        """Takes everything once."""
        self._bare()
        self._import(scratch / "one", ONE, INSIDE_ONE, LARGE, self._rows, sessions=1)
        self._import(scratch / "two", TWO, INSIDE_TWO, LARGE, self._rows, sessions=2)
        self._import(scratch / "little", LITTLE, None, SMALL, self._rows // 10, sessions=1)
        for name, load in PEERS.items():
            if with_peers and name not in self.failed:
                self._peer(scratch / name, name, load)

    def _bare(self) -> None:
        server = self._server
        given = {
            "host": server.host, "port": server.port, "database": server.database, "user": server.user,
            "password": server.password.reveal(), "ca_file": str(server.ca_file), "table": LARGE,
        }  # fmt: skip
        command = [sys.executable, str(Path(__file__).with_name("bare_sql.py"))]
        with self._beside(BARE):
            _, said = run(command, dict(os.environ), os.getcwd(), given=json.dumps(given))  # noqa: PTH109
        took = json.loads(said)
        self._keep(BARE, Taken(took["seconds"], took["cpu"], took["peak"]))
        self._same("the bare loop", took["rows"], self._rows)

    def _import(self, root: Path, name: str, inside: str | None, table: str, rows: int, *, sessions: int) -> None:
        server = self._server
        authorization = AzureSql(
            id=AUTHORIZATION, label="Database", server=server.host, port=server.port, database=server.database,
            user=server.user, ca_file=str(server.ca_file),
        )  # fmt: skip
        config = SqlImport(stream=STREAM, source=table, timestamp_field="occurred_at")
        operator = Operator(root, authorization, config, f"[engine]\nthreads = 2\nsessions = {sessions}\n")
        with self._beside(name):
            process, within, ended = operator.run()
        self._keep(name, process)
        if inside:
            self._keep(inside, within)
        self._same(f"the stream of {name}", self._apart.submit(distinct, operator.stream).result(), [rows, rows])
        self._same(f"the sessions of {name}", ended.counts["slices"], sessions if rows >= 100_000 else 1)

    def _peer(self, folder: Path, name: str, work: Callable[[peers.TableLoad], Taken]) -> None:
        folder.mkdir()
        load = peers.TableLoad(folder, self._server, LARGE)
        try:
            taken = work(load)
            self._same(f"what {name} wrote", self._apart.submit(count, load.written).result(), self._rows)
        except Failed as error:
            self.failed[name] = str(error)
        else:
            self._keep(name, taken)

    @contextmanager
    def _beside(self, name: str) -> Iterator[None]:
        """Counts what the server takes."""
        pid = self._server.pid or 0
        before = processor_seconds(pid)
        yield
        after = processor_seconds(pid)
        if before is not None and after is not None:
            self._servers.setdefault(name, []).append(after - before)

    def shares(self) -> str:
        """How much of each is the server's own work: where that is all that the machine has left, it is the bound."""
        lines = ["the server's own share:"]
        for name, taken in self._servers.items():
            seconds = statistics.median(taken)
            whole = self.taken[name].seconds
            lines.append(f"{name:46}{seconds:8.2f} s of processors in {whole:.2f} s: {seconds / whole:.2f} processors")
        return "\n".join(lines)

    def _keep(self, name: str, taken: Taken) -> None:
        self.taken.setdefault(name, Row(name, [])).taken.append(taken)

    def _same(self, what: str, found: object, expected: object) -> None:
        if found != expected:
            self.wrong.append(f"{what}: {found} instead of {expected}")

    def table(self) -> str:
        """All rows; the ratios are of rows a second, to the bare loop."""
        bare = self.taken[BARE].seconds
        lines = [HEADINGS]
        for name, row in self.taken.items():
            share = 0.1 if name == LITTLE else 1.0
            lines.append(row.text(bare * share / row.seconds))
        lines += [f"{name:46}could not do it: {why}" for name, why in self.failed.items()]
        lines.append("")
        lines += [
            f"{name.strip():46}{self._rows * (0.1 if name == LITTLE else 1) / row.seconds:10,.0f} rows/s"
            for name, row in self.taken.items()
        ]
        return "\n".join(lines)

    def goals(self) -> str:
        """Each goal, what came out, and whether it was met."""
        bare = self.taken[BARE].seconds
        lines = []
        for name, goal in GOALS:
            ratio = bare / self.taken[name].seconds
            words = "met" if ratio >= goal else "not met"
            lines.append(f"{name.partition(':')[0]:40}{ratio:8.2f}x   goal ≥ {goal:.2f}x   {words}")
        small, large = self.taken[LITTLE].peak or 0, self.taken[ONE].peak or 0
        lines.append(f"peak memory, ten times the rows: {small / 1e6:.0f} MB, then {large / 1e6:.0f} MB")
        return "\n".join(lines)


def distinct(stream: Path) -> list[int]:
    """[rows, different rows] of what the stream's log names."""
    import duckdb
    from deltalake import DeltaTable

    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false")
        found = connection.execute(
            "SELECT count(*), count(DISTINCT activity_id) FROM read_parquet($files)",
            {"files": DeltaTable(str(stream)).file_uris()},
        ).fetchone()
    return list(found or ())


def enlarge(server: SqlServer, rows: int) -> None:
    """Makes the large table have so many rows, and a small one a tenth of them."""
    columns = "user_id, email, url, category, amount, session_id, seconds, is_mobile"
    times = rows // sample_tables.ACTIVITIES
    with server.session() as session:
        for more in range(1, times):
            # Earlier and earlier: what is later than the clock would be held back.
            session.run(
                f"INSERT INTO {LARGE} (activity_id, occurred_at, {columns})"
                f" SELECT activity_id + {more * sample_tables.ACTIVITIES}, DATEADD(day, {-90 * more}, occurred_at),"
                f" {columns} FROM {LARGE} WHERE activity_id <= {sample_tables.ACTIVITIES}"
            )
        session.run(f"SELECT TOP ({rows // 10}) * INTO {SMALL} FROM {LARGE} ORDER BY activity_id")


def main() -> int:
    """Measures, and prints tables. The status is 1 when anything that was imported is not what was in the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--millions", type=int, default=1, help="rows of the table, in millions (default: 1)")
    parser.add_argument("--repeat", type=int, default=3, help="how often each is taken, in turns (default: 3)")
    parser.add_argument("--skip-peers", action="store_true", help="leave sling and dlt out")
    options = parser.parse_args()
    home = cache_folder() / "benchmarks"
    home.mkdir(exist_ok=True)
    spawning = multiprocessing.get_context("spawn")
    with (
        ProcessPoolExecutor(1, spawning) as apart,
        tempfile.TemporaryDirectory(dir=home, prefix="run-") as scratch,
        SqlServer(Path(scratch, "server")) as server,
    ):
        sample_tables.fill(server, print)
        enlarge(server, options.millions * sample_tables.ACTIVITIES)
        give_secret("password", server.password.reveal())
        benchmark = Benchmark(server, options.millions * sample_tables.ACTIVITIES, apart)
        for turn in range(options.repeat):
            with tempfile.TemporaryDirectory(dir=scratch) as folder:
                benchmark.round(Path(folder), with_peers=not options.skip_peers)
            load = " ".join(f"{part:.1f}" for part in os.getloadavg())
            print(f"round {turn + 1} of {options.repeat} done; load {load}", flush=True)
    print(f"\n{benchmark.table()}\n\n{benchmark.shares()}\n\n{benchmark.goals()}")
    for line in benchmark.wrong:
        print(f"WRONG: {line}")
    return 1 if benchmark.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
