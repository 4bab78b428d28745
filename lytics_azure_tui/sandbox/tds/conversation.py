"""One connection from its first byte to its last: login, then one request after the other."""

from __future__ import annotations

import hmac
import queue
import ssl
import struct
import threading
import traceback
from collections.abc import Mapping
from dataclasses import dataclass

import duckdb

from lytics_azure_tui.sandbox.tds import login as logins
from lytics_azure_tui.sandbox.tds import packets, tokens, types
from lytics_azure_tui.sandbox.tds.engine import Engine
from lytics_azure_tui.sandbox.tds.errors import Cancelled, SqlError
from lytics_azure_tui.sandbox.tds.faults import Fault, Faults, error_of
from lytics_azure_tui.sandbox.tds.packets import Channel, Gone, Message
from lytics_azure_tui.sandbox.tds.parameters import Call, Malformed, Parameter, Reader, skip_headers
from lytics_azure_tui.sandbox.tds.prepared import Prepared, declared_parameters
from lytics_azure_tui.sandbox.tds.reply import Reply
from lytics_azure_tui.sandbox.tds.run import Runner
from lytics_azure_tui.sandbox.tds.session import Session
from lytics_azure_tui.sandbox.tds.session_state import Login
from lytics_azure_tui.sandbox.tds.types import SqlType
from lytics_azure_tui.sandbox.tds.values import Value

_INTERRUPT_EVERY = 0.05


@dataclass(frozen=True, slots=True)
class House:
    """What all connections share.

    Attributes:
        logins: by name.
    """

    engine: Engine
    faults: Faults
    tls: ssl.SSLContext
    logins: Mapping[str, Login]


class Conversation:
    """Speaks with one client. A thread of its own reads, so that a cancel is heard while a statement runs."""

    def __init__(self, house: House, channel: Channel, spid: int, address: str) -> None:
        """Args: address: of the client."""
        self._house = house
        self._channel = channel
        self._spid = spid
        self._address = address
        self._session: Session | None = None
        self._messages: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._answered = threading.Event()
        self._gone = False
        self._prepared = Prepared()

    def hold(self) -> None:
        """Speaks until one side is gone."""
        try:
            session = self._log_in()
            if session is not None:
                self._session = session
                threading.Thread(target=self._read, daemon=True).start()
                self._serve(session)
        except (Gone, Malformed):
            pass
        finally:
            self._gone = True
            self._answered.set()
            self._channel.close()
            if self._session is not None:
                self._session.close()

    # ---- login

    def _log_in(self) -> Session | None:
        channel = self._channel
        first = channel.read_message()
        if first.type != packets.PRELOGIN:
            return None
        asked = logins.encryption_asked(first.data)
        # Azure SQL Database encrypts always: a client that offers not to is told that it must.
        answer = logins.ENCRYPT_ON if asked in (logins.ENCRYPT_ON, logins.ENCRYPT_REQUIRED) else logins.ENCRYPT_REQUIRED
        channel.send(packets.REPLY, logins.prelogin_reply(answer))
        if asked == logins.ENCRYPT_NOT_SUPPORTED:
            return None
        channel.start_tls(self._house.tls)
        message = channel.read_message()
        if message.type != packets.LOGIN7:
            return None
        wanted = logins.read_login(message.data)
        try:
            session = self._admit(wanted)
        except SqlError as error:
            self._turn_away(wanted, error)
            return None
        redirect = None if session.meets_no_faults else self._house.faults.take(("redirect",))
        self._welcome(wanted, session, redirect)
        if redirect is not None:
            session.close()
            return None
        return session

    def _turn_away(self, wanted: logins.Login, error: SqlError) -> None:
        """Says why a login failed: one that was right, but for its database, is told both."""
        reply = Reply(self._channel)
        reply.error(error)
        if error.number == 4060:
            reply.error(error_of(18456, user=wanted.user))
        reply.done("NONE", None, error=True)
        reply.end()

    def _admit(self, wanted: logins.Login) -> Session:
        """Raises: SqlError: 18456, 4060, or what was ordered as a fault."""
        house = self._house
        login = house.logins.get(wanted.user.lower())
        if login is None or not login.meets_no_faults:
            fault = house.faults.take(("login_error",))
            if fault is not None:
                raise error_of(
                    fault.number, database=wanted.database or "master", user=wanted.user, address=self._address
                )
        given = wanted.password.encode("utf-8", "replace")
        if login is None or wanted.integrated or not hmac.compare_digest(login.password.encode(), given):
            raise error_of(18456, user=wanted.user)
        database = house.engine.database(wanted.database or "master")
        if database is None:
            raise error_of(4060, database=wanted.database)
        session = Session(house.engine, self._spid, login, database)
        session.host, session.application = wanted.host, wanted.application
        return session

    def _welcome(self, wanted: logins.Login, session: Session, redirect: Fault | None) -> None:
        reply = Reply(self._channel)
        reply.write(tokens.changed_text(tokens.DATABASE, session.database, "master"))
        reply.info(5701, f"Changed database context to '{session.database}'.")
        reply.write(tokens.changed_collation())
        reply.write(tokens.changed_text(tokens.LANGUAGE, "us_english", ""))
        reply.info(5703, "Changed language setting to us_english.")
        reply.write(tokens.login_acknowledged())
        reply.write(tokens.changed_text(tokens.PACKET_SIZE, str(wanted.packet_size), "4096"))
        if redirect is not None:
            reply.write(tokens.redirected("localhost", redirect.number))
        if wanted.extended:
            reply.write(tokens.no_features())
        reply.end()
        # The reply to the login still travels in packets of the old size.
        self._channel.packet_size = wanted.packet_size

    # ---- reading beside the work

    def _read(self) -> None:
        session = self._session
        assert session is not None  # noqa: S101
        try:
            while True:
                message = self._channel.read_message()
                if message.type == packets.ATTENTION:
                    self._answered.clear()
                    session.cancel.set()
                    self._messages.put(message)
                    self._interrupt(session)
                else:
                    self._messages.put(message)
        except Gone:
            self._gone = True
            session.cancel.set()
            self._messages.put(None)
            self._interrupt(session)

    def _interrupt(self, session: Session) -> None:
        """Until it is heard: an interrupt that comes just before a query begins is lost."""
        while not self._answered.is_set():
            try:
                session.cursor.interrupt()
            except duckdb.Error:
                return
            self._answered.wait(_INTERRUPT_EVERY)

    # ---- requests

    def _serve(self, session: Session) -> None:
        runner = Runner(session, self._channel, self._house.faults)
        while True:
            message = self._messages.get()
            if message is None or self._gone:
                return
            if message.type == packets.ATTENTION:
                self._confirm(session)
                continue
            if message.ignored:
                runner.reply = Reply(self._channel)
                runner.reply.end()
                continue
            self._request(session, runner, message)

    def _confirm(self, session: Session) -> None:
        """An attention that came when nothing ran, or whose request had ended."""
        if session.cancel.is_set() and not self._gone:
            session.cancel.clear()
            self._answered.set()
            Reply(self._channel).end(attention=True)

    def _request(self, session: Session, runner: Runner, message: Message) -> None:
        runner.reply = Reply(self._channel)
        try:
            if message.status & packets.RESET:
                session.reset()
                runner.reply.write(tokens.change(tokens.RESET, b"\0", b"\0"))
            if message.type == packets.SQL_BATCH:
                start, _ = skip_headers(message.data)
                runner.batch(message.data[start:].decode("utf-16-le", "replace"))
            elif message.type == packets.RPC:
                start, _ = skip_headers(message.data)
                for call in Reader(message.data, start).calls():
                    self._call(runner, call)
            elif message.type == packets.TRANSACTION:
                self._transaction(runner, message.data)
            else:
                raise SqlError(40510, "Bulk load is not supported in this version of SQL Server.")
        except Cancelled:
            self._cancelled(session, runner)
            return
        except (SqlError, duckdb.Error) as error:
            known = error if isinstance(error, SqlError) else SqlError(40000, f"The request failed. {error}")
            runner.reply.error(known)
            runner.reply.done("NONE", None, error=True)
        except (Gone, Malformed):
            raise
        except Exception as error:
            # Whatever a statement meets here, its client gets an answer; the log of the server says where it was.
            traceback.print_exc()
            words = f"The statement cannot be run here. {type(error).__name__}: {error}"
            runner.reply.error(SqlError(40000, words))
            runner.reply.done("NONE", None, error=True)
        if self._gone:
            raise Gone("closed")
        runner.reply.end()
        if runner.ends:
            raise Gone("a severe error")

    def _cancelled(self, session: Session, runner: Runner) -> None:
        if self._gone:
            raise Gone("closed")
        session.cancel.clear()
        self._answered.set()
        if session.transaction.failed:
            # DuckDB gives a transaction up that was interrupted.
            runner.roll_back()
        session.after_writing()
        runner.reply.end(attention=True)

    def _transaction(self, runner: Runner, data: bytes) -> None:
        """Transaction manager requests ([MS-TDS] 2.2.6.9)."""
        start, _ = skip_headers(data)
        kind = struct.unpack_from("<H", data, start)[0]
        session = self._session
        assert session is not None  # noqa: S101
        if kind == 5:
            self._isolation(session, data[start + 2])
            runner.begin()
        elif kind in (7, 8):
            if kind == 7:
                runner.commit()
            else:
                if not session.transaction.count:
                    raise SqlError(3903, "The ROLLBACK TRANSACTION request has no corresponding BEGIN TRANSACTION.")
                runner.roll_back()
            name_length = data[start + 2]
            rest = start + 3 + name_length
            # A flag asks for a new transaction right after.
            if rest < len(data) and data[rest] & 1:
                if rest + 1 < len(data):
                    self._isolation(session, data[rest + 1])
                runner.begin()
        else:
            raise SqlError(40510, f"Transaction manager request {kind} is not supported in this version of SQL Server.")
        runner.reply.in_transaction = session.transaction.count > 0
        runner.reply.done("NONE", None)

    def _isolation(self, session: Session, level: int) -> None:
        names = {1: "READ UNCOMMITTED", 2: "READ COMMITTED", 3: "REPEATABLE READ", 4: "SERIALIZABLE", 5: "SNAPSHOT"}
        session.settings.isolation = names.get(level, session.settings.isolation)

    # ---- remote procedure calls

    def _call(self, runner: Runner, call: Call) -> None:
        name = call.procedure.split(".")[-1].strip("[]").lower()
        given = call.parameters
        if name == "sp_executesql":
            self._run_text(runner, _text(given, 0), _text(given, 1), given[2:], call)
        elif name in ("sp_prepare", "sp_prepexec"):
            declared, text = _text(given, 1), _text(given, 2)
            handle = self._prepared.add(declared, text)
            if name == "sp_prepare":
                self._finish(runner, True, [(0, given[0].name, types.INT, handle)])
            else:
                self._run_text(runner, text, declared, given[3:], call, [(0, given[0].name, types.INT, handle)])
        elif name == "sp_execute":
            declared, text = self._prepared.get(_number(given, 0))
            self._run_text(runner, text, declared, given[1:], call)
        elif name == "sp_unprepare":
            self._prepared.remove(_number(given, 0))
            self._finish(runner, True, [])
        else:
            runner.call(name, [parameter.value for parameter in given])

    def _run_text(
        self,
        runner: Runner,
        text: str,
        declared: str,
        given: list[Parameter],
        call: Call,
        outputs: list[tuple[int, str, SqlType, Value]] | None = None,
    ) -> None:
        variables = _parameters(declared, given)
        reply = runner.reply
        reply.procedures += 1
        try:
            well = runner.batch(text, variables)
        finally:
            reply.procedures -= 1
        found = list(outputs or [])
        names = list(variables)
        for place, parameter in enumerate(given):
            if parameter.output:
                name = parameter.name or names[place]
                type_, value = variables[name]
                found.append((call.parameters.index(parameter), name, type_, value))
        self._finish(runner, well, found)

    def _finish(self, runner: Runner, well: bool, outputs: list[tuple[int, str, SqlType, Value]]) -> None:
        session = self._session
        assert session is not None  # noqa: S101
        reply = runner.reply
        reply.write(tokens.return_status(0 if well else session.last_error))
        for ordinal, name, type_, value in outputs:
            reply.write(tokens.return_value(ordinal, name, type_, runner.encoded(type_, value)))
        reply.in_transaction = session.transaction.count > 0
        reply.done_procedure(error=not well)


def _parameters(declared: str, given: list[Parameter]) -> dict[str, tuple[SqlType, Value]]:
    """The values of a call as variables, each of the type that it is declared with."""
    variables = declared_parameters(declared)
    names = list(variables)
    for place, parameter in enumerate(given):
        name = parameter.name or (names[place] if place < len(names) else "")
        if name not in variables:
            raise SqlError(8144, "Procedure or function sp_executesql has too many arguments specified.")
        type_ = variables[name][0]
        variables[name] = (type_, _fitting(parameter, type_))
    return variables


def _fitting(parameter: Parameter, type_: SqlType) -> Value:
    from lytics_azure_tui.sandbox.tds.convert import Converter
    from lytics_azure_tui.sandbox.tds.values import Parameters

    if parameter.value is None or parameter.type.maybe() == type_.maybe():
        return parameter.value
    converter = Converter(Parameters())
    value = converter.convert(converter.literal(parameter.value, parameter.type), type_)
    if value.constant:
        return value.value
    # Both are kept in the same way, such as a decimal of another scale.
    return parameter.value


def _text(parameters: list[Parameter], place: int) -> str:
    value = parameters[place].value if place < len(parameters) else None
    return value if isinstance(value, str) else ""


def _number(parameters: list[Parameter], place: int) -> int:
    value = parameters[place].value if place < len(parameters) else None
    return value if isinstance(value, int) else -1
