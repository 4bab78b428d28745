"""Which encoding a file is taken to be in, and its bytes had back from its text."""

from __future__ import annotations

import codecs
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lytics_azure_tui.errors import Fatal
from lytics_azure_tui.jobs.csv_encoding import decoded, encoded, encoding_of
from lytics_azure_tui.model.encoding import CHOICES, canonical

WESTERN = (
    "Lefèvre,Núñez,Bjørn,Müller,François,Sørensen,Weiß,José,García,Åsa,Järvinen,João,Gonçalves,Niccolò,Jürgen,Zoë,"
    "Hélène,Renée,Peña,Ångström,Þór,Guðrún,Citroën,Noël,Mélanie,Schröder,Bäcker,Muñoz,Simões,Coeur,Château,Hübner"
).split(",")
NAMES = {
    "cp1252": WESTERN,
    "cp1250": "Łukasz,Wójcik,Michał,Wiśniewski,Grażyna,Dąbrowska,Kamiński,Źdźbło,Małgorzata,Świątek,Dvořák,Jiří".split(
        ","
    ),
    "cp1251": "Иванов,Смирнова,Кузнецов,Попова,Васильев,Петрова,Соколов,Михайлова,Новиков,Фёдорова".split(","),
    "koi8_r": "Иванов,Смирнова,Кузнецов,Попова,Васильев,Петрова,Соколов,Михайлова,Новиков,Фёдорова".split(","),
    "cp1253": "Παπαδόπουλος,Γεωργίου,Δημήτρης,Κωνσταντίνου,Νικολάου,Ιωάννου,Παναγιώτης,Ελένη".split(","),
    "cp1254": "Yılmaz,Şahin,Çelik,Yıldız,Öztürk,Doğan,Kılıç,Aydın,Gülşen,İbrahim,Çağlar,Ağaoğlu".split(","),
    "cp1255": "כהן,לוי,מזרחי,פרץ,ביטון,דהן,אברהם,פרידמן,יוסף,שמעון".split(","),
    "cp1256": "محمد,أحمد,علي,فاطمة,عبدالله,حسين,خديجة,إبراهيم,يوسف,مريم".split(","),
    "cp874": "สมชาย,สมหญิง,ประยุทธ์,วิชัย,สุดารัตน์,อนุชา,กิตติพงษ์,นภัสสร".split(","),
    "cp932": "佐藤,鈴木,高橋,田中,伊藤,渡辺,山本,中村,小林,加藤,髙木,さくら,ユミ".split(","),
    "euc_jp": "佐藤,鈴木,高橋,田中,伊藤,渡辺,山本,中村,小林,加藤,さくら,ユミ".split(","),
    "gb18030": "王伟,李娜,张敏,刘洋,陈静,杨帆,赵磊,黄丽,周强,吴秀英".split(","),
    "cp950": "陳建宏,林美玲,黃志明,張淑惠,李雅婷,王俊傑,吳怡君,劉家豪".split(","),
    "cp949": "김철수,이영희,박지훈,최민서,정수빈,강현우,조은지,윤서연".split(","),
    "mac_roman": WESTERN[:10],
    "cp850": WESTERN[:10],
    "utf-8": [*WESTERN, "佐藤", "Иванов"],
    "utf-16-le": [*WESTERN, "佐藤", "Иванов"],
    "utf-16-be": ["佐藤", "鈴木"],
    "utf-32-le": WESTERN,
    "iso2022_jp": "佐藤,鈴木,高橋,田中".split(","),
}
# Names of a few letters that are those of another encoding as well leave a doubt, which is told.
FEW = 12


def table(names: list[str], rows: int, seed: int) -> str:
    """A file of customers."""
    pick = random.Random(seed)
    notes = ["", "5 m", "N/A", "a-b", "x@example.com"]
    lines = [f"{number},{pick.choice(names)} {pick.choice(names)},{pick.choice(notes)}" for number in range(rows)]
    return "\r\n".join(["id,name,note", *lines]) + "\r\n"


@pytest.mark.parametrize("rows", [FEW, 60, 1500])
@pytest.mark.parametrize("encoding", NAMES)
def test_files_of_names_are_read_as_they_were_written(encoding: str, rows: int) -> None:
    for seed in range(4):
        text = table(NAMES[encoding], rows, seed)
        raw = text.encode(encoding)
        found = encoding_of(raw[: 256 << 10])
        assert raw.decode(found.name) == text, f"{found}"
        assert found.certain or rows == FEW


@pytest.mark.parametrize("name", WESTERN)
def test_a_single_western_name_is_never_read_as_one_of_elsewhere(name: str) -> None:
    raw = f"id,name\n1,{name}\n2,Ada\n".encode("cp1252")
    assert raw.decode(encoding_of(raw).name) == raw.decode("cp1252")


@pytest.mark.parametrize(
    "text", ["€ 5", "“Zoë”", "O’Neil – Söhne", "12 °C", "½ m²", "JOSÉ MUÑOZ", "MÜLLER & SÖHNE", "à 3 €"]
)
def test_signs_and_capitals_of_western_files_are_kept(text: str) -> None:
    for rows in (1, 50):
        raw = f"id,note\n{f'1,{text}' * rows}\n".encode("cp1252")
        assert raw.decode(encoding_of(raw).name) == raw.decode("cp1252")


@pytest.mark.parametrize("cut", range(8))
@pytest.mark.parametrize("encoding", ["cp932", "gb18030", "euc_jp", "cp950", "utf-8", "cp1252"])
def test_what_is_looked_at_may_end_anywhere(encoding: str, cut: int) -> None:
    raw = table(NAMES[encoding], 300, cut).encode(encoding)
    assert encoding_of(raw[: 4000 + cut]).name == encoding_of(raw).name


def test_single_bad_lines_leave_utf_8_what_it_is() -> None:
    good = "".join(f"{number},Zoë\n" for number in range(100)).encode()
    for at in (0, len(good) // 2 // 7 * 7, len(good)):
        found = encoding_of(b"id,name\n" + good[:at] + b"\n9,Ren\xe9e\n" + good[at:])
        assert (found.name, found.certain) == ("utf-8", True)
        assert "100 of 101 lines" in found.why


def test_a_file_that_is_half_utf_8_is_not_garbled_but_told() -> None:
    found = encoding_of(("1,Zoë\n" * 3).encode() + ("2,Renée\n" * 9).encode("cp1252"))
    assert (found.name, found.certain) == ("utf-8", False)


def test_letters_that_two_encodings_share_are_told_as_a_guess() -> None:
    found = encoding_of("id,name\n1,Novák\n2,Jiří\n3,Šárka\n".encode("cp1250"))
    assert found.name == "cp1250" or not found.certain


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
        ("\ufeff".encode("gb18030"), "gb18030"),
    ],
)
@pytest.mark.parametrize("times", [1, 2, 3])
def test_marks_say_the_encoding_and_are_all_taken_off(mark: bytes, encoding: str, times: int) -> None:
    raw = mark * times + "id,name\n1,Zoë\n".encode(encoding)
    for asked in ("auto", encoding):
        found = encoding_of(raw, asked=asked)
        assert (found.name, found.mark) == (encoding, len(mark) * times)


@pytest.mark.parametrize(
    ("asked", "written"),
    [
        ("utf-16", "utf-16"), ("UTF-16", "utf-16-be"), ("u16", "utf-16-le"), ("utf_16", "utf-16"), ("utf-32", "utf-32"),
        ("UTF-8", "utf-8-sig"), ("utf8", "utf-8-sig"), ("utf_8_sig", "utf-8"), ("U8", "utf-8"), ("ascii", "utf-8"),
        ("latin1", "latin1"), ("l1", "latin1"), ("windows-1252", "cp1252"), ("1252", "cp1252"), ("shift-jis", "cp932"),
        ("big5", "big5"), ("GBK", "gbk"), (" cp1251 ", "cp1251"), ("ISO-8859-15", "latin9"), ("maclatin2", "maclatin2"),
    ],
)  # fmt: skip
def test_every_name_that_python_knows_is_taken(asked: str, written: str) -> None:
    raw = "id,name\n1,x\n".encode(written)
    found = encoding_of(raw, asked=asked)
    assert b"".join(decoded([raw[found.mark :]], found.name)) == b"id,name\n1,x\n"


@pytest.mark.parametrize("name", ["utf-9", "", "rot13", "base64", "idna", "undefined", "unicode-escape", "a\0b", "zip"])
def test_names_that_are_none_of_a_files_encoding_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no encoding is called"):
        canonical(name)


def test_the_forms_choices_are_names_that_are_known() -> None:
    assert len({canonical(name) for name in CHOICES if name != "auto"}) == len(CHOICES) - 1


def test_a_mark_that_speaks_against_the_named_encoding_stops_the_import() -> None:
    with pytest.raises(Fatal, match=r"mark of utf-8"):
        encoding_of("\ufeffid\nZoë\n".encode(), asked="cp1252", name="x.csv")
    with pytest.raises(Fatal, match=r"mark of utf-16-le"):
        encoding_of("id\n1\n".encode("utf-16"), asked="utf-8", name="x.csv")
    # Where all is ASCII, nothing can be garbled.
    assert encoding_of("\ufeffid\n1\n".encode(), asked="cp1252").mark == 3


def test_nul_bytes_alone_make_no_utf_16() -> None:
    for raw in (b"id,name\n1,a\0b\n2,\0\0\0\n", b"id\0\0\0\0\0\0\n1\0\0\0\0\0\n", "1,Zoë\0\n".encode()):
        assert encoding_of(raw).name == "utf-8"


def test_a_sequence_keeps_its_encoding_and_a_file_that_does_not_fit_is_told() -> None:
    danish, czech = ("\n".join(names).encode("cp1252") for names in (["Bjørn", "Søren"], ["Dvoøák", "Jiøí", "Nìmec"]))
    assert encoding_of(danish, before="cp1252").name == "cp1252"
    assert encoding_of(czech, before="cp1252").name == "cp1252"
    assert encoding_of(b"1,Ada\n", before="cp932").name == "cp932"
    with pytest.raises(Fatal, match="is not in cp1252 as the files before it"):
        encoding_of("1,Zoë\n2,Renée\n".encode(), before="cp1252", name="x.csv")
    with pytest.raises(Fatal, match="is not in utf-8 as the files before it"):
        encoding_of("1,Zoë\n2,Renée\n".encode("cp1252"), before="utf-8", name="x.csv")
    with pytest.raises(Fatal, match="is not in utf-16-le as the files before it"):
        encoding_of(b"1,Ada\n", before="utf-16-le", name="x.csv")
    marked = encoding_of("\ufeff1,Zoë\n".encode(), before="cp1252")
    assert (marked.name, marked.mark, marked.certain) == ("utf-8", 3, False)


@given(
    st.binary(max_size=60),
    st.sampled_from(
        ["cp1252", "cp1250", "gb18030", "euc_jp", "cp949", "utf-16-le", "utf-16-be", "utf-32-le", "latin1"]
    ),
    st.integers(1, 9),
)
def test_the_bytes_of_a_file_come_back_from_its_text(raw: bytes, encoding: str, size: int) -> None:
    blocks = [raw[at : at + size] for at in range(0, len(raw), size)]
    assert encoded(b"".join(decoded(blocks, encoding)), encoding) == raw


def test_characters_that_windows_writes_in_one_of_two_ways_come_back_as_windows_writes_them() -> None:
    for raw in (b"\xfb\xfc", b"\xfa\xb1", b"\x81\xca", b"\x87\x8a"):
        assert encoded(b"".join(decoded([raw], "cp932")), "cp932") == raw
