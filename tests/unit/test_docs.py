"""The pages in docs/ say what the program does."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from lytics_azure_tui.model.audience import Audience
from lytics_azure_tui.model.mapping import FieldRule, StreamMapping
from lytics_azure_tui.model.user_field import OWN_FIELDS, FieldKind

PAGE = (Path(__file__).parents[2] / "docs" / "profiles.md").read_text(encoding="utf-8")


def test_every_kind_stands_with_its_merge_operators() -> None:
    for kind in FieldKind:
        assert f"| `{kind}` | {', '.join(f'`{merge}`' for merge in kind.merges)} |" in PAGE


def test_every_own_field_is_explained() -> None:
    for field in OWN_FIELDS:
        assert f"| `{field.name}` |" in PAGE
        assert f"| `{field.name}` | `{field.kind}` | {field.help} |" in PAGE or field.name.startswith("score_")


def test_every_key_of_a_field_is_explained() -> None:
    table = PAGE.partition("| Key of a field |")[2].partition("\n\n")[0]
    keys = [key for cell in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for key in re.findall("`(.*?)`", cell)]
    assert sorted(keys) == sorted(FieldRule.model_fields)


def test_the_examples_are_files_that_can_be_read() -> None:
    mapping, audience = (tomllib.loads(text) for text in re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL))
    assert len(StreamMapping.model_validate({"stream": "web_events", **mapping}).fields) == 2
    assert Audience.model_validate({"slug": "lapsed", **audience}).label == "Lapsed big spenders"
