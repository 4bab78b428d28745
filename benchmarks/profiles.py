"""How fast profiles are made, beside one hand-written query of DuckDB that does the same grouping.

Run by hand: `python benchmarks/profiles.py`. README.md in this folder says what is in each figure and what is not.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from measuring import HEADINGS, Failed, Row, Taken, run

USERS_SHARE = 5
"""Events of each user."""


class Benchmark:
    """All that is measured.

    Args:
        scratch: a folder with room for all.
        events: of the large workspace; the small one has a tenth.
        added: events that come later.
        memory: bytes that a build may use.
    """

    def __init__(self, scratch: Path, events: int, added: int, memory: int) -> None:
        self._scratch, self._events, self._added, self._memory = scratch, events, added, memory
        self.taken: dict[str, Row] = {}
        self.evaluations: list[float] = []

    def round(self) -> None:
        """Takes everything once."""
        self._workspace("small", self._events // 10)
        root = self._workspace("large", self._events)
        for number in (1, 2):
            run_id = f"more{number}"
            first = self._events + self._added * (number - 1)
            self._fill(root, run_id, first, first + self._added, self._events)
            self._build(f"{self._added:,} events more", root, f"build{run_id}", number)
        took = self._do({"task": "evaluate", "root": str(root)})
        self.evaluations += took["answer"]
        shutil.rmtree(root)

    def _workspace(self, name: str, events: int) -> Path:
        root = self._scratch / name
        self._fill(root, "first", 0, events, events)
        self._keep(f"one query, {events:,} events", self._do({"task": "by hand", "root": str(root)}))
        self._build(f"build, {events:,} events", root, "buildfirst", 0)
        if name == "small":
            shutil.rmtree(root)
        return root

    def _fill(self, root: Path, run_id: str, first: int, last: int, events: int) -> None:
        users = events // USERS_SHARE
        self._do({"task": "fill", "root": str(root), "run": run_id, "first": first, "last": last, "users": users})

    def _build(self, name: str, root: Path, run_id: str, minute: int) -> None:
        given = {"task": "build", "root": str(root), "run": run_id, "minute": minute, "memory": self._memory}
        self._keep(name, self._do(given))

    def _do(self, given: dict[str, Any]) -> dict[str, Any]:
        command = [sys.executable, str(Path(__file__).with_name("profile_work.py"))]
        _, said = run(command, dict(os.environ), str(Path.cwd()), given=json.dumps(given))
        found: dict[str, Any] = json.loads(said)
        return found

    def _keep(self, name: str, took: dict[str, Any]) -> None:
        self.taken.setdefault(name, Row(name, [])).taken.append(Taken(took["seconds"], took["cpu"], took["peak"]))

    def table(self) -> str:
        """All rows; the ratio of a build is to the query over the same events."""
        lines = [HEADINGS]
        for name, row in self.taken.items():
            query = self.taken.get(name.replace("build,", "one query,"))
            lines.append(row.text(row.seconds / query.seconds if query is not None and query is not row else None))
        return "\n".join(lines)

    def goals(self) -> str:
        """Each goal, and what came out."""
        small = self.taken[f"build, {self._events // 10:,} events"]
        large = self.taken[f"build, {self._events:,} events"]
        more = self.taken[f"{self._added:,} events more"]
        peak = max(row.peak or 0 for row in (small, large, more))
        figures = (
            ("ten times the events take", large.seconds / small.seconds, 11.0, "times as long"),
            (f"{self._added:,} events more take", 100 * more.seconds / large.seconds, 5.0, "% of a whole build"),
            ("peak memory", peak / 2**30, 2.0, "GiB"),
            ("a filter over all profiles, the slowest", max(self.evaluations), 1.0, "s"),
        )
        return "\n".join(
            f"{what:44}{found:8.2f} {unit:20} goal ≤ {goal:g}   {'met' if found <= goal else 'not met'}"
            for what, found, goal, unit in figures
        )


def main() -> int:
    """Measures, and prints what it found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--millions", type=float, default=10, help="events of the large workspace, in millions")
    parser.add_argument("--added", type=int, default=100_000, help="events that come later")
    parser.add_argument("--memory", type=int, default=1600, help="of a build, in MiB")
    parser.add_argument("--repeat", type=int, default=1, help="rounds")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lyazure-profiles-") as folder:
        benchmark = Benchmark(Path(folder), int(options.millions * 1e6), options.added, options.memory << 20)
        try:
            for _ in range(options.repeat):
                benchmark.round()
        except Failed as error:
            print(f"It could not be measured: {error}")
            return 1
        print(benchmark.table(), benchmark.goals(), sep="\n\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
