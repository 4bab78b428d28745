"""A database to look around in: one session for several threads, opened again when it was lost, stopped on request."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event, Thread
from typing import Any

import pytest

from lytics_azure_tui.azure import sql_checks, sql_database
from lytics_azure_tui.azure.sql_catalogue import PAGE, TableInfo
from lytics_azure_tui.azure.sql_checks import one_line, sql_report
from lytics_azure_tui.azure.sql_database import Database
from lytics_azure_tui.azure.sql_errors import Dropped
from lytics_azure_tui.errors import BadConfiguration, Cancelled, RetryLater
from lytics_azure_tui.model.authorization import AzureEventHub, AzureSql
from lytics_azure_tui.model.secret import Secret

SHOP = AzureSql(id="a", label="Shop", server="shop.example", database="shop", user="etl", password=Secret("x"))
INFO = TableInfo("sales", "orders", False, 1, 8192)
AZURE = (
    "Microsoft SQL Azure (RTM) - 12.0.2000.8 \n\tOct  2 2026 11:51:41 \n\tCopyright (C) 2025 Microsoft Corporation\n"
)


class Session:
    """Answers at once, or waits for an end."""

    opened: list[Session]
    lost = 0
    """Sessions that are lost at their next question."""

    def __init__(self, _authorization: AzureSql, *, check: Callable[[], None] = lambda: None) -> None:
        self.check, self.closed, self.asked = check, False, 0
        self.opened.append(self)

    def answer(self) -> None:
        self.asked += 1
        if Session.lost and self.asked > 1:
            Session.lost -= 1
            raise Dropped("The connection to shop.example was lost")

    def wait(self) -> None:
        while True:
            self.check()
            time.sleep(0.01)

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def sessions(monkeypatch: pytest.MonkeyPatch) -> list[Session]:
    """Those that were opened."""
    Session.opened, Session.lost = [], 0
    monkeypatch.setattr(sql_database, "SqlSession", Session)

    def tables(session: Session, wanted: str, _skip: int) -> list[TableInfo]:
        if wanted == "slow":
            session.wait()
        session.answer()
        return [INFO] * (PAGE if wanted == "many" else 1)

    monkeypatch.setattr("lytics_azure_tui.azure.sql_catalogue.tables", tables)
    return Session.opened


def test_one_session_answers_all_questions_and_ends_with_the_database(sessions: list[Session]) -> None:
    database = Database(SHOP)
    assert not sessions
    assert database.tables() == ([INFO], False)
    assert database.tables("many")[1]
    assert len(sessions) == 1
    database.close()
    assert sessions[0].closed
    with pytest.raises(Cancelled):
        database.tables()
    assert len(sessions) == 1


def test_a_session_that_was_lost_while_it_lay_idle_is_opened_again_once(sessions: list[Session]) -> None:
    database = Database(SHOP)
    database.tables()
    Session.lost = 1
    assert database.tables() == ([INFO], False)
    assert [session.closed for session in sessions] == [True, False]


def test_a_question_that_nobody_waits_for_any_more_ends(sessions: list[Session]) -> None:
    database, stop, seen = Database(SHOP), Event(), list[BaseException]()

    def ask() -> None:
        try:
            database.tables("slow", stop=stop)
        except Cancelled as error:
            seen.append(error)

    thread = Thread(target=ask)
    thread.start()
    time.sleep(0.05)
    stop.set()
    assert database.tables() == ([INFO], False), "the next one has waited for its turn"
    thread.join(5)
    assert len(seen) == 1
    assert len(sessions) == 1, "the session is as good as before"


def test_closing_ends_the_question_that_is_asked(sessions: list[Session]) -> None:
    database, ended = Database(SHOP), Event()

    def ask() -> None:
        with pytest.raises(Cancelled):
            database.tables("slow")
        ended.set()

    Thread(target=ask, daemon=True).start()
    time.sleep(0.05)
    database.close()
    assert ended.wait(5)


def test_a_database_that_does_not_answer_is_given_up(sessions: list[Session], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql_database, "PATIENCE_SECONDS", 0.05)
    with pytest.raises(RetryLater, match="does not answer"):
        Database(SHOP).tables("slow")
    assert sessions[0].closed


def test_another_method_is_refused() -> None:
    with pytest.raises(BadConfiguration, match="Azure Event Hub gives no access to a database"):
        Database(AzureEventHub(id="a", label="A"))


# Test connection


def checked(patch: pytest.MonkeyPatch, who: tuple[Any, ...], seen: tuple[Any, ...]) -> Any:
    """The report on a server that answers so."""

    class Answers:
        def __init__(self, _authorization: AzureSql) -> None:
            self.left = [[who], [seen]]

        def __enter__(self) -> Answers:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def rows(self, _sql: str, **_: object) -> list[tuple[Any, ...]]:
            return self.left.pop(0)

    patch.setattr(sql_checks, "SqlSession", Answers)
    return sql_report(SHOP)


@pytest.mark.parametrize(
    ("all", "tables", "readable", "rights", "words"),
    [
        (1, 17, 17, (True, True), "Sees 17 tables and views, and may read all of them"),
        (0, 17, 3, (True, True), "Sees 17 tables and views, and may read 3 of them"),
        (0, 17, 0, (True, False), "Sees 17 tables and views, and may read none of them"),
        (0, 1, 1, (True, True), "Sees 1 table or view, and may read it"),
        (1, 0, None, (True, True), "There are no tables or views yet; whatever comes may be read"),
        (
            0,
            0,
            None,
            (False, False),
            "No table and no view is seen: the database is empty, or the user has no right to any",
        ),
    ],
)
def test_the_report_says_what_may_be_read(
    all: int, tables: int, readable: int | None, rights: tuple[bool, bool], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = checked(monkeypatch, (AZURE, "shop", "etl", "etl", all), (tables, readable))
    assert (report.list, report.read, report.write) == (*rights, None)
    assert "write" not in report.rights
    assert report.account == "shop.example, database shop"
    assert report.notes == (words, "Logged in as etl", "Server: Microsoft SQL Azure (RTM) - 12.0.2000.8")


def test_a_user_who_has_another_name_in_the_database_is_told_with_both(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Logged in as sa, in the database dbo" in checked(monkeypatch, (AZURE, "shop", "sa", "dbo", 1), (1, 1)).notes


def test_a_version_is_one_short_line() -> None:
    assert one_line(" \n\t Microsoft  SQL\tServer \n more") == "Microsoft SQL Server"
    assert one_line("") == "unknown"
