"""Profiles of many fields are built within the memory of a run."""

from __future__ import annotations

from pathlib import Path

from lytics_azure_tui.lytics.duck import database
from lytics_azure_tui.lytics.stream_file import copied, staged
from lytics_azure_tui.model.mapping import Definitions, FieldRule, StreamMapping
from tests.integration.builds import Place

FIELDS, EVENTS = 60, 30_000


def test_sixty_fields_take_more_buckets_and_no_more_memory(tmp_path: Path) -> None:
    rules = [FieldRule(field=f"f{number}", expression=f"c{number}") for number in range(FIELDS)]
    user = FieldRule(field="uid", expression="uid", identifier=True)
    place = Place(
        tmp_path, Definitions(mappings=(StreamMapping(stream="web", fields=[user, *rules]),)), memory=192 << 20
    )
    columns = ["uid", *(f"c{number}" for number in range(FIELDS))]
    target = place.workspace.staging("web") / "import0-00000-00000.parquet"
    target.parent.mkdir(parents=True)
    values = ", ".join(f"'value ' || range || '.{number}' AS c{number}" for number in range(FIELDS))
    moment = "TIMESTAMPTZ '2026-03-01 10:00:00Z'"
    select = (
        f"SELECT 'u' || range AS uid, {values}, {moment} AS _event_time, {moment} AS _ingest_time,"
        f" 'import0' AS _run_id, 'test' AS _source, range AS _row FROM range({EVENTS})"
    )
    with database(memory=512 << 20) as connection:
        file = staged(connection.execute(copied(select, target)).fetchone() or (), target, columns)
    place.workspace.commit("web", "import0", columns, [file])
    outcome = place.build()
    assert outcome is not None
    assert outcome.counts["profiles"] == EVENTS
    last = place.table("profiles")[-1]
    assert last["f59"] == f"value {last['uid'].removeprefix('u')}.59"
