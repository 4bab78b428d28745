"""TOML files that people edit: what is changed is changed, and every other byte stays."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lytics_azure_tui.config import edit, toml
from lytics_azure_tui.errors import BadConfiguration

HAND_WRITTEN = """\
# The nightly load. Ask Ada before you touch it.
label   = 'Orders'          # as it stands on the wall
enabled=true

[config]   # the rest is up to us
# why not the other container: it is slow
container = "orders"
fields = [
    "id",      # the customer's
    "total",
]
delimiter = ";"
# the end
"""


def merged(text: str, values: dict[str, Any], defaults: dict[str, Any] | None = None) -> str:
    return edit.merged(text, values, defaults or {}, "jobs/a.toml")


def test_nothing_changed_is_not_a_byte() -> None:
    assert merged(HAND_WRITTEN, tomllib.loads(HAND_WRITTEN)) == HAND_WRITTEN


def test_comments_order_and_quotes_survive_an_edit() -> None:
    text = merged(HAND_WRITTEN, {"label": "Orders of today", "config": {"delimiter": "t"}})
    assert text == HAND_WRITTEN.replace("'Orders'", "'Orders of today'").replace('";"', '"t"')


def test_a_key_is_added_to_its_table_and_one_that_is_none_goes() -> None:
    text = merged(HAND_WRITTEN, {"config": {"fields": None, "diff": True}})
    assert tomllib.loads(text)["config"] == {"container": "orders", "delimiter": ";", "diff": True}
    assert "# why not the other container: it is slow\n" in text
    assert text.startswith(HAND_WRITTEN[: HAND_WRITTEN.index("fields")])


def test_a_new_key_does_not_come_between_a_comment_and_what_it_is_about() -> None:
    text = "label = 'a'\n\n# Where it comes from.\n[config]\ncontainer = 'orders'\n\n# What else.\n[other]\nx = 1\n"
    edited = merged(text, {"description": "of Ada", "config": {"diff": True}})
    assert edited == text.replace("'a'\n", "'a'\ndescription = \"of Ada\"\n").replace(
        "'orders'\n", "'orders'\ndiff = true\n"
    )


def test_a_file_that_cannot_be_edited_in_place_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the editing library makes of it: a result that says something else is never written."""
    monkeypatch.setattr("tomlkit.dumps", lambda document: "label = 'b'\nextra")
    with pytest.raises(BadConfiguration, match="cannot be changed"):
        merged(HAND_WRITTEN, {"label": "b"})


def test_a_default_is_not_written_and_one_that_a_person_wrote_stays() -> None:
    defaults = {"enabled": True, "description": "", "config": {"delimiter": ",", "diff": False}}
    values = {"enabled": True, "description": "", "config": {"delimiter": ",", "diff": False}}
    assert merged(HAND_WRITTEN, values, defaults) == HAND_WRITTEN.replace('";"', '","')


def test_true_and_one_are_not_the_same() -> None:
    assert merged("a = true\n", {"a": 1}) == "a = 1\n"


def test_text_of_several_lines_is_written_over_several_lines() -> None:
    key = '-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmQENB\\F"""x\n-----END PGP PUBLIC KEY BLOCK-----\n'
    text = merged("", {"key": key})
    assert tomllib.loads(text) == {"key": key}
    assert text.startswith('key = """\n-----BEGIN PGP PUBLIC KEY BLOCK-----\n')


def test_windows_line_ends_stay() -> None:
    text = merged("a = 1\r\n# words\r\nb = 2\r\n", {"b": 3})
    assert text == "a = 1\r\n# words\r\nb = 3\r\n"


@pytest.mark.parametrize(
    "text", ["config.delimiter = ';'\nlabel = 'a'\n", "label = 'a'\nconfig = { delimiter = ';', diff = true }\n"]
)
def test_dotted_keys_and_inline_tables_are_edited_in_place(text: str) -> None:
    assert merged(text, {"config": {"delimiter": "|"}}) == text.replace("';'", "'|'")


# What holds for all of them

names = st.from_regex(r"[a-z][a-z_]{0,8}", fullmatch=True)
texts = st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=30)
scalars = st.one_of(texts, st.booleans(), st.integers(-(2**63), 2**63 - 1), st.lists(texts, max_size=3))
comments = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=12)


@st.composite
def files(draw: st.DrawFn) -> str:
    """A file as a person writes it: keys, comments, blank lines, odd spacing, one table at the end."""

    def section(keys: list[str]) -> str:
        text = ""
        for key in keys:
            text += draw(st.sampled_from(["", "\n", f"# {draw(comments)}\n"]))
            written = edit.merged("", {key: draw(scalars)}, {}, "x").partition(" = ")[2].rstrip("\n")
            text += key + draw(st.sampled_from([" = ", "=", "   =  "])) + written
            text += draw(st.sampled_from(["", "  ", f"  # {draw(comments)}"])) + "\n"
        return text

    keys = st.lists(names.filter(lambda name: name != "config"), max_size=5, unique=True)
    return section(draw(keys)) + "\n[config]\n" + section(draw(keys))


@given(files())
def test_what_was_read_is_written_byte_for_byte(text: str) -> None:
    assert merged(text, tomllib.loads(text)) == text


@given(files(), st.data())
def test_an_edit_of_one_key_leaves_every_other_line(text: str, data: st.DataObject) -> None:
    values = tomllib.loads(text)
    paths = [(key,) for key in values if key != "config"] + [("config", key) for key in values["config"]]
    if not paths:
        return
    path = data.draw(st.sampled_from(paths))
    value = data.draw(scalars)
    edited = merged(text, {path[0]: value} if len(path) == 1 else {"config": {path[1]: value}})

    table = values if len(path) == 1 else values["config"]
    before, table[path[-1]] = table[path[-1]], value
    assert tomllib.loads(edited) == values
    line = toml.line_of(text, path)
    assert line is not None
    lines, now = text.split("\n"), edited.split("\n")
    after = len(lines) - line + 1 - _height(lines, line, path, before)
    assert now[: line - 1] == lines[: line - 1]
    assert after == 0 or now[-after:] == lines[-after:]


def _height(lines: list[str], line: int, path: tuple[str, ...], value: object) -> int:
    """How many lines a value takes: the first that make a file of their own with it."""
    for height in range(1, len(lines)):
        piece = "\n".join(lines[line - 1 : line - 1 + height]) + "\n"
        try:
            if tomllib.loads(piece).get(path[-1]) == value:
                return height
        except tomllib.TOMLDecodeError:
            continue
    raise AssertionError("the value is not there")


@given(files(), names, scalars, st.booleans())
def test_a_new_key_leaves_every_line(text: str, name: str, value: Any, inside: bool) -> None:
    values = tomllib.loads(text)
    table = values["config"] if inside else values
    if name in table:
        return
    edited = merged(text, {"config": {name: value}} if inside else {name: value})
    table[name] = value
    assert tomllib.loads(edited) == values
    left = iter(edited.split("\n"))
    assert all(line in left for line in text.split("\n") if line)


@given(st.dictionaries(names, scalars, max_size=5))
def test_a_new_file_says_what_it_was_given(values: dict[str, Any]) -> None:
    assert tomllib.loads(merged("", values)) == values


# Where things are

SPREAD = '''\
label = "a"

[config]
key = """
[not.a.table]
delimiter = "inside a text"
"""
fields = [
  "a",
]
delimiter = ";"
inline = { deep = 1 }
'''


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        (("label",), 1),
        (("config",), 3),
        (("config", "key"), 4),
        (("config", "fields"), 8),
        (("config", "delimiter"), 11),
        (("config", "inline", "deep"), 12),
        (("config", "nothing"), None),
        (("not", "a"), None),
    ],
)
def test_a_key_s_line_is_found_however_it_is_written(keys: tuple[str, ...], line: int | None) -> None:
    assert toml.line_of(SPREAD, keys) == line


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('a = 1\nb = "open\nc = 2\n', "a.toml, line 2, column 10: this is not TOML"),
        ("a = 1\na = 2\n", "a.toml, line 2, column 6: this is not TOML. Cannot overwrite a value"),
        ("a = 1\nb = [1,\n", "a.toml, line 3, column 1: this is not TOML"),
        ("a", "a.toml, line 1, column 2: this is not TOML"),
        ("a = " + "[" * 100_000, "this is not TOML"),
    ],
)
def test_malformed_toml_is_named_by_line_and_column(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "a.toml"
    path.write_text(text)
    with pytest.raises(BadConfiguration) as caught:
        toml.read(path, "a.toml")
    assert message in str(caught.value)


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "folder.toml").mkdir()
    with pytest.raises(BadConfiguration, match=r"folder\.toml cannot be read\. Is a directory"):
        toml.read(tmp_path / "folder.toml", "folder.toml")
    (tmp_path / "large.toml").write_bytes(b"#" * 2_000_000)
    with pytest.raises(BadConfiguration, match=r"large\.toml is too large"):
        toml.read(tmp_path / "large.toml", "large.toml")


def test_other_encodings_are_named_by_line(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes("a = 1\nb = 'é'\n".encode("latin-1"))
    with pytest.raises(BadConfiguration, match=r"a\.toml, line 2: this is not UTF-8"):
        toml.read(path, "a.toml")


def test_a_byte_order_mark_is_read_over(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes("a = 1\n".encode("utf-8-sig"))
    assert toml.read(path, "a.toml")[0] == {"a": 1}


# Writing


def test_a_file_is_replaced_whole_and_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text("old")
    path.chmod(0o644)
    toml.write(path, "new")
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [item.name for item in tmp_path.iterdir()] == ["a.toml"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    real, link = tmp_path / "kept" / "a.toml", tmp_path / "a.toml"
    real.write_text("old")
    link.symlink_to(real)
    toml.write(link, "new")
    assert link.is_symlink()
    assert real.read_text() == "new"


def test_when_writing_fails_the_old_file_stays_and_nothing_is_left_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.toml"
    path.write_text("old")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(BadConfiguration, match=r"cannot be written\. No space left on device"):
        toml.write(path, "new")
    assert path.read_text() == "old"
    assert [item.name for item in tmp_path.iterdir()] == ["a.toml"]


RULES = """\
# Customers, by the shop's export.
where = "exists(email)"  # not the anonymous ones

# The one that counts.
[[fields]]
field = "email"
expression = 'email(address)'  # lower case
identifier = true
rank = 1

# Their names.
[[fields]]
field = "name"
expression = "name"

[[fields]]
field = "born"
expression = "todate(born)"
kind = "date"
"""
UNWRITTEN = {"where": None, "fields": [{"kind": "string", "identifier": False, "rank": 1, "guard": None}]}


def rules(text: str) -> list[dict[str, Any]]:
    filled: list[dict[str, Any]] = tomllib.loads(text).get("fields", [])
    return [{**UNWRITTEN["fields"][0], **one} for one in filled]  # type: ignore[index]


def edited(changed: list[dict[str, Any]], text: str = RULES) -> str:
    return edit.merged(text, {"where": "exists(email)", "fields": changed}, UNWRITTEN, "mappings/shop.toml")


def test_a_list_of_tables_that_says_the_same_is_not_a_byte() -> None:
    assert edited(rules(RULES)) == RULES


def test_one_table_of_a_list_is_edited_and_the_others_stay() -> None:
    changed = rules(RULES)
    changed[1] = {**changed[1], "guard": 'name != "test"'}
    text = edited(changed)
    assert rules(text) == changed
    assert text.replace("guard = 'name != \"test\"'\n", "") == RULES


def test_a_table_goes_and_one_comes_and_the_comments_of_the_others_stay() -> None:
    before = rules(RULES)
    fresh = {"field": "city", "expression": "city", "kind": "string", "identifier": False, "rank": 1, "guard": None}
    text = edited([before[0], before[2], fresh])
    assert rules(text) == [before[0], before[2], fresh]
    assert "# The one that counts." in text and "# lower case" in text
    assert text.endswith('[[fields]]\nfield = "city"\nexpression = "city"\n')


def test_the_last_table_goes() -> None:
    text = edited([])
    assert rules(text) == [] and text.startswith("# Customers, by the shop's export.\nwhere =")


RULE = st.fixed_dictionaries(
    {
        "field": st.sampled_from(["email", "name", "born", "city", "plan"]),
        "expression": st.sampled_from(["email(address)", "name", "todate(born)", "city", 'oneof(a, "b")']),
        "kind": st.sampled_from(["string", "date"]),
        "identifier": st.booleans(),
        "rank": st.integers(1, 3),
        "guard": st.none() | st.just("exists(x)"),
    }
)


@given(st.lists(RULE, max_size=5), st.lists(RULE, max_size=5))
def test_a_list_of_tables_says_what_it_was_given(first: list[dict[str, Any]], second: list[dict[str, Any]]) -> None:
    text = edited(first)
    assert rules(text) == first
    assert rules(edited(second, text)) == second


@given(st.permutations(range(3)))
def test_tables_move_with_what_was_written_in_them(order: list[int]) -> None:
    before = rules(RULES)
    text = edited([before[place] for place in order])
    assert rules(text) == [before[place] for place in order]
    assert "'email(address)'  # lower case" in text
