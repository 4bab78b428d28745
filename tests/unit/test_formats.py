"""What a blob's first bytes say it is."""

from __future__ import annotations

import pytest

from lytics_azure_tui.errors import Fatal
from lytics_azure_tui.jobs.formats import is_json_lines, packing_of, refuse_other_text

HEADERS = [
    ("顧客ID,名前", "cp932"), ("联系人,电话", "gbk"), ("Телефон,Имя", "cp1251"), ("État,Ville", "cp1252"),
    ("Éé,È", "cp1252"), ("Ñandú;x", "cp1252"), ("Ärzte;Öl", "cp1252"), ("£,€", "cp1252"), ("©;®", "cp1252"),
    ("客户,电话", "gb18030"), ("名前,住所", "euc_jp"), ("고객,전화", "cp949"), ("客戶,電話", "big5"), ("Имя", "koi8_r"),
    ("Фамилия,Город", "cp1251"), ("Αριθμός,Όνομα", "cp1253"), ("שם,עיר", "cp1255"), ("اسم,مدينة", "cp1256"),
    ("ชื่อ,เมือง", "cp874"), ("Łódź;Święty", "cp1250"), ("Ørsted,Å", "latin-1"), ("ORCHID,ORCA", "ascii"),
    ("GIF87,GIF8", "ascii"), ("BZhang,name", "ascii"), ("LZIPCODE,x", "ascii"), ("ORC,city", "ascii"),
    ("Obj,count", "ascii"), ("ARROW,x", "ascii"), ("PAR1,TEE", "ascii"), ("[id],[name]", "ascii"),
    ("Rar,x", "ascii"), ("7z,x", "ascii"), ("PK,name", "ascii"), ("-----BEGIN,x", "ascii"),
]  # fmt: skip


@pytest.mark.parametrize(("header", "encoding"), HEADERS)
@pytest.mark.parametrize("rows", [1, 40, 5000])
def test_a_text_in_any_encoding_is_not_taken_for_something_else(header: str, encoding: str, rows: int) -> None:
    text = (header + "\n" + f"{header}\n" * rows).encode(encoding)
    assert packing_of("x.csv", text[: 256 << 10]) == ""
    refuse_other_text("x.csv", text)


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b"7z\xbc\xaf\x27\x1c\0\4", "7-Zip"), (b"Rar!\x1a\x07\x01\0", "RAR"), (b"Obj\x01\x04\x14avro.codec", "Avro"),
        (b"SQLite format 3\0\x10", "SQLite"), (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0", "Excel"),
        (b"%PDF-1.7\n", "PDF"), (b"\x89PNG\r\n\x1a\n\0", "PNG"), (b"ARROW1\0\0", "Arrow"), (b"ORC\x0a\x03", "ORC"),
        (b"\x04\x22\x4d\x18\x64", "LZ4"), (b"\xff\x06\0\0sNaPpY\x01", "Snappy"), (b"\x1f\x9d\x90", "compress"),
        (b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n", "public key block"),
        (b"-----BEGIN PGP SIGNATURE-----\n", "signature"),
    ],
)  # fmt: skip
def test_what_is_no_text_is_called_by_its_name(head: bytes, words: str) -> None:
    with pytest.raises(Fatal, match=words):
        packing_of("x.csv", head + bytes(100))


@pytest.mark.parametrize(
    "text",
    [
        b"<!DOCTYPE html><html>", b"\n <html lang=en>", b'<?xml version="1.0"?><Error><Code>AuthenticationFailed',
        b'{"id": 1,\n "name": "x"}', b'[{"id": 1}]', b"[\n  {", b'{"error": "not found"}',
    ],
)  # fmt: skip
def test_pages_and_json_are_refused(text: bytes) -> None:
    with pytest.raises(Fatal, match="an import reads CSV"):
        refuse_other_text("x.csv", text)


def test_one_object_a_line_is_told_from_one_document() -> None:
    assert is_json_lines(b'{"a": 1}\n{"a": 2}\n')
    assert not is_json_lines(b'{"a": 1,\n"b": 2}\n')
    assert not is_json_lines(b"id,name\n")
