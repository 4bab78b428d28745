"""Replies of SQL Server, token by token: whatever may stand between two tokens, and wherever packets end."""

from __future__ import annotations

import contextlib
import struct

import pytds
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lytics_azure_tui.azure.sql_packets import Incomplete
from lytics_azure_tui.errors import LyazureError, RetryLater
from tests import replies
from tests.replies import INT, NVARCHAR, changed, columns, done, int_cell, message, packets, row, text_cell

ORDER = b"\xa9\x02\x00\x01\x00"
# TABNAME and COLINFO as in browse mode; COLINFO of a column of another name than its table's.
TABNAME = b"\xa4\x0b\x00\x01" + replies.us_text("base")
COLINFO = b"\xa5\x0a\x00\x01\x01\x20" + replies.b_text("abc")
SESSIONSTATE = bytes.fromhex("e40b0000000100000001 0904ffffffff".replace(" ", ""))
OFFSET = b"\x78\x01\x00\x05\x00"
RETURNSTATUS = b"\x79\x00\x00\x00\x00"
RETURNVALUE = b"\xac\x00\x00" + replies.b_text("@p") + b"\x01" + bytes(4) + b"\x00\x00" + INT + int_cell(7)
FEATURES = b"\xae\x0a\x01\x00\x00\x00\x01\x04\x01\x00\x00\x00\x01\xff"
# [MS-TDS] 2.2.7.9, each kind with its new and its old value.
ENVIRONMENT = {
    1: replies.b_text("sales") + replies.b_text("master"),
    2: replies.b_text("us_english") + b"\0",
    4: replies.b_text("8000") + replies.b_text("4096"),
    7: b"\x05\x09\x04\xd0\x00\x34\x00",
    8: b"\x08" + bytes(range(8)) + b"\0",
    9: b"\0\x08" + bytes(range(8)),
    10: b"\0\x08" + bytes(range(8)),
    11: b"\x08" + bytes(range(8)) + b"\0",
    12: b"\x08" + bytes(range(8)) + b"\0",
    13: replies.b_text("partner") + b"\0",
    16: b"\x03abc\0",
    17: b"\0\x08" + bytes(range(8)),
    18: b"\0\0",
    19: replies.b_text("instance") + b"\0",
}
PROMOTED = b"\xe3\x01\x00\x0f" + struct.pack("<I", 300) + bytes(300) + b"\0"
ANYWHERE = [
    message(0xAB, 8153, "Warning: Null value is eliminated by an aggregate or other SET operation.", 10),
    message(0xAB, 0, "x" * 260),
    *(changed(kind, value) for kind, value in ENVIRONMENT.items()),
    PROMOTED, SESSIONSTATE, FEATURES, OFFSET, TABNAME, COLINFO, RETURNSTATUS, RETURNVALUE,
]  # fmt: skip

FIRST = [("1", "ä"), (None, "😀"), ("-7", None), ("4", "")]
SECOND = [("5",)]
TOKENS = [
    done(0x11, 3),
    columns(("n", INT), ("t", NVARCHAR)),
    ORDER,
    row(int_cell(1), text_cell("ä")),
    b"\xd2\x01" + b"\x04\x00" + "😀".encode("utf-16-le"),
    b"\xd2\x02" + int_cell(-7),
    row(int_cell(4), text_cell("")),
    done(0x11, 4, 0xFF),
    columns(("n", INT)),
    row(int_cell(5)),
    done(0x11, 1, 0xFF),
    RETURNSTATUS,
    done(0x00, 0, 0xFE),
]


@settings(max_examples=150)
@given(st.data())
def test_what_is_read_is_the_same_whatever_stands_between_two_tokens_and_wherever_packets_end(
    data: st.DataObject,
) -> None:
    more = st.lists(st.sampled_from(ANYWHERE), max_size=2)
    stream = b"".join(b"".join(data.draw(more)) + token for token in TOKENS)
    cuts = data.draw(st.sets(st.integers(1, len(stream)), max_size=12))
    step = data.draw(st.sampled_from([1, 7, 1000, 1 << 20]))
    sizes = data.draw(st.sampled_from([{}, {"rows": 1}, {"size": 1}]))
    reply = replies.session(packets(stream, cuts), step=step)
    assert replies.texts(reply, **sizes) == [FIRST, SECOND]


@pytest.mark.parametrize("token", ANYWHERE, ids=lambda token: f"{token[0]:02X}-{token[3]:02X}")
def test_each_token_is_read_when_a_packet_ends_at_every_byte_of_it(token: bytes) -> None:
    head, tail = b"".join(TOKENS[:4]), b"".join(TOKENS[4:])
    stream = head + token + tail
    for cut in range(len(head), len(head) + len(token) + 1):
        assert replies.texts(replies.session(packets(stream, {cut}))) == [FIRST, SECOND], cut
    assert replies.texts(replies.session(packets(stream, range(len(stream))))) == [FIRST, SECOND]


@pytest.mark.parametrize("empty", [(0,), (1,), (3, 4, 4), (len(TOKENS),)])
def test_packets_with_nothing_in_them_change_nothing(empty: tuple[int, ...]) -> None:
    pieces = list(TOKENS)
    for place in sorted(empty, reverse=True):
        pieces.insert(place, b"")
    sent = b"".join(replies.packet(piece, last=at == len(pieces) - 1) for at, piece in enumerate(pieces))
    assert replies.texts(replies.session(sent)) == [FIRST, SECOND]


def test_a_result_that_is_left_in_its_middle_is_cancelled_by_the_next_question() -> None:
    answer = packets(columns(("n", INT)) + row(int_cell(9)) + done(0x10, 1))
    reply = replies.session(packets(b"".join(TOKENS)) + packets(done(0x20)) + answer)
    assert reply.next_set()
    assert reply.next_row()
    reply.submit_plain_query("SELECT 9")
    assert b"\x06\x01\x00\x08" in reply._transport.sent, "an attention has been sent"
    reply.begin_response()
    assert replies.texts(reply) == [[("9",)]]


def test_rows_without_an_end_of_their_own_end_with_the_procedure_or_the_next_columns() -> None:
    stream = b"".join(token for token in TOKENS if token[0] != 0xFF)
    assert replies.texts(replies.session(packets(stream))) == [FIRST, SECOND]


def test_python_values_are_the_same_when_every_byte_is_a_packet() -> None:
    stream = b"".join(token for one in TOKENS for token in (ANYWHERE[0], one))
    reply = replies.session(packets(stream, range(len(stream))))
    found: list[list[tuple[object, ...]]] = []
    while reply.next_set():
        found.append([])
        while reply.next_row():
            found[-1].append(tuple(reply.row))
    assert found == [[(1, "ä"), (None, "😀"), (-7, None), (4, "")], [(5,)]]


@pytest.mark.parametrize("end", range(1, sum(len(token) for token in TOKENS)))
def test_a_reply_that_ends_too_early_is_an_error_wherever_it_ends(end: int) -> None:
    stream = b"".join(TOKENS)[:end]
    with pytest.raises(Incomplete, match="incomplete"):
        replies.texts(replies.session(packets(stream)))


def test_python_values_that_end_too_early_are_an_error_wherever_they_end() -> None:
    large = struct.pack("<Q", 6) + struct.pack("<I", 4) + b"a\0b\0" + struct.pack("<I", 2) + b"c\0" + bytes(4)
    described = columns(("t", b"\xe7\xff\xff" + NVARCHAR[3:]), ("n", INT), ("v", b"\xa7\x0a\0" + NVARCHAR[3:]))
    stream = described + row(large, int_cell(3), b"\x02\0ab") + done(0x10, 1)
    for end in range(1, len(stream)):
        reply = replies.session(packets(stream[:end], range(0, end, 5)))
        with pytest.raises(Incomplete):
            reply.finish()
    reply = replies.session(packets(stream, range(0, len(stream), 5)))
    assert reply.next_set()
    assert reply.next_row()
    assert reply.row == ["abc", 3, "ab"]


@settings(max_examples=300)
@given(st.binary(max_size=60), st.integers(0, 60), st.booleans())
def test_whatever_bytes_come_the_reply_ends(noise: bytes, place: int, values: bool) -> None:
    stream = b"".join(TOKENS)
    reply = replies.session(packets(stream[:place] + noise + stream[place:]))
    with contextlib.suppress(pytds.Error, LyazureError):
        if values:
            reply.finish()
        else:
            replies.texts(reply)


@pytest.mark.parametrize("status", [0x02, 0x100, 0x03, 0x102, 0x22 & ~0x20])
def test_the_error_is_the_first_one_and_no_message_before_or_behind_it(status: int) -> None:
    stream = b"".join(TOKENS[:5]) + message(0xAB, 50000, "Before.") + message(0xAA, 3621, "Terminated.", 16)
    stream += message(0xAA, 8134, "Divide by zero error encountered.", 16) + message(0xAA, 18456, "Behind.", 14)
    stream += message(0xAB, 3621, "The statement has been terminated.") + message(0xAB, 5701, "Changed context.")
    reply = replies.session(packets(stream + done(status)))
    with pytest.raises(pytds.DatabaseError, match="Divide by zero") as caught:
        replies.texts(reply)
    assert caught.value.number == 8134


def test_an_error_is_one_though_no_end_of_a_statement_says_so() -> None:
    stream = b"".join(TOKENS[:5]) + message(0xAA, 8134, "Divide by zero error encountered.", 16) + done(0x10, 2)
    with pytest.raises(pytds.DatabaseError, match="Divide by zero"):
        replies.texts(replies.session(packets(stream)))


def test_a_failure_without_a_named_error_is_no_success() -> None:
    with pytest.raises(RetryLater, match="named no error"):
        replies.texts(replies.session(packets(b"".join(TOKENS[:5]) + done(0x100))))


@pytest.mark.parametrize("cut", [False, True])
def test_a_cancellation_is_confirmed_before_the_session_is_used_again(cut: bool) -> None:
    """The server may answer in the reply under way, or in one of its own behind it; it may cut the rows short."""
    first = b"".join(TOKENS[:5])[: -3 if cut else None] + (b"" if cut else done(0x20))
    behind = packets(done(0x20)) if cut else b""
    answer = packets(columns(("n", INT)) + row(int_cell(9)) + done(0x10, 1))
    reply = replies.session(packets(first) + behind + answer)
    assert reply.next_set()
    reply.put_cancel()
    try:
        replies.texts(reply)
    except Incomplete:
        assert cut
    reply.submit_plain_query("SELECT 9")
    reply.begin_response()
    assert replies.texts(reply) == [[("9",)]]


def test_a_cancellation_that_came_too_late_is_waited_for() -> None:
    reply = replies.session(packets(b"".join(TOKENS)) + packets(done(0x20)))
    reply.put_cancel()
    assert replies.texts(reply) == [FIRST, SECOND]
    assert not reply.in_cancel


def test_messages_by_the_thousand_take_no_memory() -> None:
    stream = b"".join(TOKENS[:4]) + ANYWHERE[1] * 10_000 + b"".join(TOKENS[4:])
    reply = replies.session(packets(stream, range(4096, len(stream), 4096)))
    assert replies.texts(reply) == [FIRST, SECOND]
    assert reply.messages == []
