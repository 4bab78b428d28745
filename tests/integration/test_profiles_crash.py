"""A build that is killed at any step of it, and gone on with, leaves what an undisturbed one leaves."""

from __future__ import annotations

import json
import pickle
import shutil
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from lytics_azure_tui.lytics.workspace.head import current
from lytics_azure_tui.lytics.workspace.tables import TABLES, Tables
from lytics_azure_tui.model.audience import Audience
from lytics_azure_tui.model.mapping import Definitions, FieldRule, StreamMapping
from lytics_azure_tui.model.user_field import FieldKind, Merge
from tests.integration.builds import Event, Place
from tests.integration.runner.kills import kills

DEFINITIONS = Definitions(
    (
        StreamMapping(
            stream="web",
            fields=[
                FieldRule(field="user", expression="user", identifier=True, rank=2),
                FieldRule(field="mail", expression="mail", identifier=True),
                FieldRule(field="spent", expression="spent", kind=FieldKind.INT, merge=Merge.SUM),
            ],
        ),
    ),
    (
        Audience(slug="rich", label="Rich", filter="FILTER spent > 100"),
        Audience(slug="lately", label="Lately", filter='FILTER _modified > "now-2h"'),
    ),
)
# (function, call): each is a place before and a place after it.
STEPS = (
    ("profile_build.plan", 1),
    ("identify.identify", 1),
    ("identify.write_merges", 1),
    ("profile_build.do", 1),
    ("assemble.assemble", 1),
    ("profile_build.do", 2),
    ("memberships.evaluate", 1),
    ("profile_build.commit", 1),
    ("tables.Tables.write", 1),
    ("tables.Tables.write", 3),
    ("tables.Tables.write", 4),
    ("tables.Tables.write", 5),
    ("build.Builds._sweep", 1),
)


def fill(root: Path) -> Place:
    """Two builds' worth of people, and more events that join some of them."""
    place = Place(root, DEFINITIONS)
    people = range(40)
    place.bring("web", [Event(500 + n, {"user": f"u{n}", "mail": None, "spent": str(9 * n)}) for n in people])
    place.bring("web", [Event(60 + n, {"user": None, "mail": f"{n}@x", "spent": "1"}) for n in people])
    place.build(timedelta(hours=1))
    place.bring("web", [Event(n, {"user": f"u{n}", "mail": f"{n}@x", "spent": "50"}) for n in people if n % 3 == 0])
    place.runs += 1
    (root / "place").write_bytes(pickle.dumps(place))
    return place


def build(root: Path, *death: object) -> int:
    command = [sys.executable, "-m", "tests.integration.profile_process", str(root), *map(str, death)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode


def state(place: Place) -> dict[str, Any]:
    """All tables' rows, what the build told, and files that no head names."""
    rows = {table: sorted(map(repr, place.table(table))) for table in TABLES}
    told = json.loads((place.root / "outcome").read_text())
    tables = Tables(place.root / "workspace")
    now = current(tables)
    assert now is not None
    strays = set()
    for table in TABLES:
        version = now.version if table == "profiles" else now.head.versions[table]
        named = {Path(path).name for path in tables.files(table, version)}
        strays |= {path.name for path in tables.folder(table).glob("*.parquet") if "-build4-" in path.name} - named
    return {**rows, "told": told, "strays": strays}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("filled")
    fill(root)
    return root


@pytest.fixture(scope="module")
def undisturbed(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    place = copied(filled, tmp_path_factory.mktemp("undisturbed") / "place")
    assert build(place.root) == 0
    return state(place)


def copied(filled: Path, target: Path) -> Place:
    shutil.copytree(filled, target)
    place: Place = pickle.loads((filled / "place").read_bytes())
    place.root = target
    (target / "place").write_bytes(pickle.dumps(place))
    return place


@pytest.mark.parametrize(("name", "when", "call"), kills(STEPS, within=("commit", "_sweep")))
def test_killed_anywhere_a_build_ends_as_if_it_had_not_been(
    filled: Path, undisturbed: dict[str, Any], tmp_path: Path, name: str, when: str, call: int
) -> None:
    place = copied(filled, tmp_path / "place")
    assert build(place.root, name, when, call) == -signal.SIGKILL
    assert build(place.root) == 0
    assert state(place) == undisturbed
    assert undisturbed["merges"]


def test_what_a_build_that_was_given_up_has_left_is_taken_back_by_the_next(filled: Path, tmp_path: Path) -> None:
    place = copied(filled, tmp_path / "place")
    assert build(place.root, "tables.Tables.write", "after", 4) == -signal.SIGKILL
    before = {table: sorted(map(repr, place.table(table))) for table in TABLES}
    untouched = copied(filled, tmp_path / "untouched")
    assert before == {table: sorted(map(repr, untouched.table(table))) for table in TABLES}
    for each in (place, untouched):
        each.runs += 1
        assert each.build() is not None
    after, expected = ({table: sorted(map(repr, each.table(table))) for table in TABLES} for each in (place, untouched))
    assert after == expected
