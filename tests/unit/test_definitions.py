"""Mappings and audiences: the files of a configuration folder that people write about profiles."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from lytics_azure_tui.config import definitions
from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.errors import BadConfiguration
from lytics_azure_tui.model.audience import Audience
from lytics_azure_tui.model.mapping import Affinity, Definitions, FieldRule, StreamMapping
from lytics_azure_tui.model.user_field import FieldKind, Merge

SHOP = """\
# Who buys.
where = "exists(email)"

[[fields]]
field = "email"  # lower case
expression = "email(address)"
identifier = true

[[fields]]
field = "spent"
expression = "total"
kind = "number"
merge = "sum"

[[affinities]]
field = "interests"
expression = "category"
"""
LOYAL = 'label = "Loyal"\nfilter = "FILTER AND ( spent > 100, EXISTS email )"\n'


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder.open(tmp_path / "config")


def write(folder: Folder, name: str, text: str) -> Path:
    path = folder.root / name
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.write_text(text)
    path.chmod(0o600)
    return path


def problems(folder: Folder) -> list[str]:
    return [str(problem) for problem in definitions.look(folder)[1]]


def test_a_folder_without_any_has_none(folder: Folder) -> None:
    assert not definitions.there_are(folder)
    assert definitions.changed(folder) is None
    assert definitions.read(folder) == Definitions()


def test_files_are_named_by_stream_and_by_slug(folder: Folder) -> None:
    write(folder, "mappings/shop.toml", SHOP)
    write(folder, "audiences/loyal.toml", LOYAL)
    assert definitions.there_are(folder)
    found = definitions.read(folder)
    (mapping,), (audience,) = found.mappings, found.audiences
    assert mapping.stream == "shop" and audience.slug == "loyal"
    assert mapping.fields[0] == FieldRule(field="email", expression="email(address)", identifier=True)
    assert (mapping.fields[1].merged_by, mapping.fields[0].merged_by) == (Merge.SUM, Merge.LATEST)
    assert mapping.affinities == [Affinity(field="interests", expression="category")]
    fields = {field.name: field for field in found.user_fields()}
    assert fields["interests"].kind is FieldKind.MAP_NUMBER and fields["email"].identifier
    assert fields["_num_events"].merge is None
    assert Definitions.load(found.dump()) == found


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            ('"email(address)"', '"email(address"'),
            "shop.toml, line 6, fields[1].expression: line 1, column 14",
        ),
        (('"total"', '""'), "mappings/shop.toml, line 11, fields[2].expression: "),
        (('kind = "number"', 'kind = "money"'), "mappings/shop.toml, line 12, fields[2].kind: this must be 'string', "),
        (
            ('merge = "sum"', 'merge = "valuect"'),
            "number cannot be merged by valuect; write one of latest, oldest",
        ),
        (('merge = "sum"', "identifier = true"), "an identifier is of the kind string, int, []string, not number"),
        (
            ('merge = "sum"', "rang = 1"),
            "shop.toml, line 13, fields[2].rang: this key is not known. Did you mean",
        ),
        (('"spent"', '"_spent"'), "mappings/shop.toml, line 10, fields[2].field: the character _ cannot stand at"),
        (('"spent"', '"score_quantity"'), "this name belongs to a score that the program makes itself"),
        (("where = ", "stream = "), "mappings/shop.toml, line 2, stream: this is said by the file's name"),
        (("exists(email)", "exists(email) AND"), "mappings/shop.toml, line 2, where: line 1, column 18"),
    ],
)
def test_what_is_wrong_with_a_mapping_is_named_by_file_line_and_key(
    folder: Folder, change: tuple[str, str], message: str
) -> None:
    write(folder, "mappings/shop.toml", SHOP)
    assert problems(folder) == []
    write(folder, "mappings/shop.toml", SHOP.replace(*change))
    assert any(message in problem for problem in problems(folder)), problems(folder)
    with pytest.raises(BadConfiguration):
        definitions.read(folder)


def test_what_is_wrong_with_an_audience_is_named_by_file_line_and_key(folder: Folder) -> None:
    write(folder, "audiences/loyal.toml", LOYAL.replace("EXISTS", "EXIST"))
    (problem,) = problems(folder)
    assert problem.startswith("audiences/loyal.toml, line 2, filter: line 1, column 33:"), problem
    write(folder, "audiences/loyal.toml", "not toml")
    assert "this is not TOML" in problems(folder)[0]
    write(folder, "audiences/loyal.toml", LOYAL)
    write(folder, "audiences/Not a slug.toml", LOYAL)
    assert "audiences/Not a slug.toml has a name that cannot be used" in problems(folder)[0]


def test_one_field_cannot_be_two_things(folder: Folder) -> None:
    write(folder, "mappings/shop.toml", SHOP)
    write(folder, "mappings/visits.toml", '[[fields]]\nfield = "spent"\nexpression = "paid"\nkind = "int"\n')
    assert problems(folder) == [
        "mappings/visits.toml: spent is int, latest here, and number, sum in the mapping of shop. "
        "Write the same in both files"
    ]
    visits = StreamMapping(stream="visits", fields=[FieldRule(field="email", expression="mail")])
    with pytest.raises(BadConfiguration, match="of visits does not go with another: email is string, latest"):
        definitions.save_mapping(folder, visits)
    agreed = FieldRule(field="spent", expression="paid", kind=FieldKind.NUMBER, merge=Merge.SUM)
    definitions.save_mapping(folder, StreamMapping(stream="visits", fields=[agreed]))
    assert problems(folder) == []


def test_what_a_person_wrote_stays_when_a_mapping_is_saved(folder: Folder) -> None:
    path = write(folder, "mappings/shop.toml", SHOP)
    (mapping,) = definitions.read(folder).mappings
    definitions.save_mapping(folder, mapping)
    assert path.read_text() == SHOP
    city = FieldRule(field="city", expression="tolower(city)")
    changed = mapping.model_copy(update={"fields": [*mapping.fields, city], "affinities": []})
    definitions.save_mapping(folder, changed)
    assert definitions.read(folder).mappings == (changed,)
    text = path.read_text()
    assert text.startswith('# Who buys.\nwhere = "exists(email)"\n') and "# lower case" in text
    assert '[[fields]]\nfield = "city"\nexpression = "tolower(city)"\n' in text and "affinities" not in text


def test_new_files_are_for_their_owner_only_and_say_no_defaults(folder: Folder) -> None:
    definitions.save_audience(folder, Audience(slug="loyal", label="Loyal", filter="FILTER *"))
    path = folder.root / "audiences" / "loyal.toml"
    assert path.read_text() == 'label = "Loyal"\nfilter = "FILTER *"\n'
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert definitions.changed(folder) is not None


def test_an_audience_that_another_includes_is_not_deleted(folder: Folder) -> None:
    write(folder, "audiences/loyal.toml", LOYAL)
    nested = Audience(slug="near", label="Loyal and near", filter='FILTER AND ( NOT (INCLUDE loyal), city = "Bonn" )')
    definitions.save_audience(folder, nested)
    with pytest.raises(BadConfiguration, match="The audience loyal is used by Loyal and near"):
        definitions.delete_audience(folder, "loyal")
    definitions.delete_audience(folder, "near")
    definitions.delete_audience(folder, "loyal")
    assert not definitions.there_are(folder)
    with pytest.raises(BadConfiguration, match="There is no audience loyal"):
        definitions.delete_audience(folder, "loyal")


def test_a_mapping_is_deleted(folder: Folder) -> None:
    write(folder, "mappings/shop.toml", SHOP)
    definitions.delete_mapping(folder, "shop")
    with pytest.raises(BadConfiguration, match="There is no mapping of shop"):
        definitions.delete_mapping(folder, "shop")


def test_a_secret_in_a_file_is_refused(folder: Folder) -> None:
    write(folder, "audiences/loyal.toml", LOYAL + 'password = "x"\n')
    assert "a secret is never kept in this file" in problems(folder)[0]
