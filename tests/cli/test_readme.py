"""What the README shows can be used as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.model.audience_csv import AudienceCsv
from lytics_azure_tui.model.audience_json import AudienceJson
from lytics_azure_tui.model.csv_import import CsvImport
from lytics_azure_tui.model.event_export import EventExport
from lytics_azure_tui.model.event_hub_export import EventHubExport
from lytics_azure_tui.model.job import JobConfig
from lytics_azure_tui.model.sql_import import SqlImport

HUBS = (Path(__file__).parents[2] / "docs" / "event_hub.md").read_text(encoding="utf-8")
EXPORTS = (Path(__file__).parents[2] / "docs" / "exports.md").read_text(encoding="utf-8")
README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def _files(text: str = README) -> dict[str, str]:
    """The examples of files: the name in backticks, and the indented block after it."""
    found = re.findall(r"^`([\w/.-]+\.toml)`[^\n]*\n(?:[^\n]+\n)*\n((?: {4}[^\n]*\n|\n(?= {4}))+)", text, re.MULTILINE)
    return {name: re.sub(r"^ {4}", "", text, flags=re.MULTILINE) for name, text in found}


def test_the_examples_of_files_are_a_configuration_without_problems(tmp_path: Path) -> None:
    folder = Folder.open(tmp_path)
    files = _files()
    assert set(files) == {
        "authorizations/production.toml",
        "authorizations/warehouse.toml",
        "jobs/daily-customers.toml",
        "jobs/orders.toml",
        "settings.toml",
    }
    for name, text in files.items():
        (folder.root / name).write_text(text, encoding="utf-8")
    assert folder.problems() == []
    assert [job.label for job in folder.jobs()] == ["Daily customers", "Orders"]


@pytest.mark.parametrize(
    ("kind", "file", "left_out"),
    [(CsvImport, "jobs/daily-customers.toml", ["prefix"]), (SqlImport, "jobs/orders.toml", [])],
)
def test_the_example_of_a_job_shows_every_key(kind: type[JobConfig], file: str, left_out: list[str]) -> None:
    example = _files()[file]
    missing = [name for name in kind.model_fields if not re.search(rf"^{name} = ", example, re.MULTILINE)]
    assert missing == left_out


@pytest.mark.parametrize(
    ("kind", "file"),
    [
        (EventExport, "jobs/nightly-events.toml"),
        (AudienceJson, "jobs/vip-json.toml"),
        (AudienceCsv, "jobs/vip-csv.toml"),
    ],
)
def test_the_examples_of_exports_show_every_key_and_can_be_used(
    tmp_path: Path, kind: type[JobConfig], file: str
) -> None:
    folder = Folder.open(tmp_path)
    example = _files(EXPORTS)[file]
    for name, text in {**_files(), file: example}.items():
        (folder.root / name).write_text(text, encoding="utf-8")
    assert folder.problems() == []
    assert isinstance(folder.job(Path(file).stem).config, kind)
    assert [name for name in kind.model_fields if not re.search(rf"^{name} = ", example, re.MULTILINE)] == []


def test_links_lead_somewhere() -> None:
    root = Path(__file__).parents[2]
    targets = re.findall(r"(?<!!)\[[^]]*\]\(([^)#]+)\)", README)
    assert targets
    assert [target for target in targets if not target.startswith("http") and not (root / target).exists()] == []


def test_every_picture_is_shown() -> None:
    shown = set(re.findall(r"!\[[^]]+\]\((screenshots/[^)]+)\)", README))
    drawn = {f"screenshots/{path.name}" for path in (Path(__file__).parents[2] / "screenshots").glob("*.svg")}
    assert shown
    assert drawn <= shown


def test_the_example_of_an_event_hub_shows_every_key_and_can_be_used(tmp_path: Path) -> None:
    folder = Folder.open(tmp_path)
    files = _files(HUBS)
    for name, text in files.items():
        (folder.root / name).write_text(text, encoding="utf-8")
    assert folder.problems() == []
    assert isinstance(folder.job("triggers").config, EventHubExport)
    example = files["jobs/triggers.toml"]
    assert [name for name in EventHubExport.model_fields if not re.search(rf"^{name} = ", example, re.MULTILINE)] == []
