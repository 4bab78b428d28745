"""A stream of customers for the exports: the Parquet files that an import leaves, committed as one run."""

from __future__ import annotations

import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import duckdb
from import_data import COLUMNS, DAYS, customers, name_of

from lytics_azure_tui.jobs import profile_build
from lytics_azure_tui.jobs.kind import Context
from lytics_azure_tui.lytics.stream_file import system_columns, write
from lytics_azure_tui.lytics.workspace.workspace import Workspace
from lytics_azure_tui.model.audience import Audience
from lytics_azure_tui.model.authorization import NoAuthorization
from lytics_azure_tui.model.mapping import Definitions, FieldRule, StreamMapping
from lytics_azure_tui.model.profile_build import PROFILES
from lytics_azure_tui.model.run import PartResult
from lytics_azure_tui.model.user_field import FieldKind
from lytics_azure_tui.sandbox.cache import cache_folder, make_once

STREAM = "events"
_FILES = 24


def stream_of(rows: int) -> Path:
    """A workspace with that many events in one stream; made once, in the cache folder."""
    folder = customers(rows).days[0].parent
    return make_once(cache_folder() / "benchmarks" / f"stream-{folder.name}", lambda made: _make(made, folder, rows))


AUDIENCE = "everyone"
_FIELDS = ("first_name", "last_name", "address", "city", "phone", "plan")
DEFINED = Definitions(
    mappings=(
        StreamMapping(
            stream=STREAM,
            fields=[
                FieldRule(field="email", expression="email", identifier=True),
                *(FieldRule(field=name, expression=name) for name in _FIELDS),
                FieldRule(field="lifetime_value", expression="lifetime_value", kind=FieldKind.NUMBER),
                FieldRule(field="address_parts", expression='split(address, ",")', kind=FieldKind.STRINGS),
                FieldRule(field="cities", expression="map(plan, city)", kind=FieldKind.MAP_STRING),
            ],
        ),
    ),
    audiences=(Audience(slug=AUDIENCE, label="Everyone", filter="FILTER EXISTS email"),),
)


def people_of(rows: int) -> Path:
    """A workspace with that stream and its profiles, about one for each event; made once, in the cache folder."""
    stream = stream_of(rows)
    return make_once(stream.with_name(f"people-{stream.name}"), lambda made: _build(made, stream))


def profile_files(root: Path) -> list[str]:
    """The files of the profiles, all of one build."""
    return sorted(str(path) for path in (root / "profiles").glob("*.parquet"))


def _build(root: Path, stream: Path) -> None:
    shutil.copytree(stream / "streams", root / "streams")
    with tempfile.TemporaryDirectory(dir=root.parent) as scratch:
        context = Context(
            run_id="made", started=datetime(2026, 3, 1, tzinfo=UTC), job=PROFILES, authorization=NoAuthorization(),
            lytics=Workspace(root), scratch=Path(scratch), keep=Path(scratch), memory=2 << 30, threads=2,
            definitions=DEFINED,
        )  # fmt: skip
        plan = profile_build.plan(context, None)
        results: list[PartResult] = []
        for part in plan.parts:
            results.append(profile_build.do(context, part, results[-1] if results else None, _Quiet()))
        profile_build.commit(context, plan, results)


class _Quiet:
    """A sink that nobody listens to."""

    def progress(
        self, stage: str, *, bytes_done: int, bytes_total: int | None = None, rows: int = 0, rejected: int = 0
    ) -> None:
        pass

    def log(self, level: str, text: str) -> None:
        pass

    def check(self) -> None:
        pass


def _make(root: Path, customers_folder: Path, rows: int) -> None:
    workspace = Workspace(root)
    staging = workspace.staging(STREAM)
    staging.mkdir(parents=True)
    system = system_columns(
        event_time="updated_at::TIMESTAMPTZ",
        row="customer_id::BIGINT",
        started=datetime(2026, 3, 1, tzinfo=UTC),
        run_id="made",
        source="made/customers.csv",
    )
    chosen = ", ".join((*COLUMNS, *system))
    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false")
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(
            f"CREATE TABLE c AS FROM read_csv('{customers_folder / name_of(DAYS[0])}', all_varchar = true)"
        )
        files = []
        for number in range(_FILES):
            first, last = rows * number // _FILES, rows * (number + 1) // _FILES
            query = f"SELECT {chosen} FROM c WHERE customer_id::BIGINT > {first} AND customer_id::BIGINT <= {last}"
            files.append(write(connection, query, staging / f"made-00000-{number:05}.parquet", COLUMNS))
    workspace.commit(STREAM, "made", COLUMNS, [file for file in files if file is not None])
