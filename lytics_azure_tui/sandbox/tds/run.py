"""Runs the statements of a batch for a session, and writes what they answer."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date

import duckdb

from lytics_azure_tui.sandbox.tds import change, syntax, tokens, types
from lytics_azure_tui.sandbox.tds.alter import Alterer
from lytics_azure_tui.sandbox.tds.arrow import batches
from lytics_azure_tui.sandbox.tds.bind import Binder, BoundQuery, Scope
from lytics_azure_tui.sandbox.tds.define import Definer, column_for
from lytics_azure_tui.sandbox.tds.duck_errors import deadlock, translated
from lytics_azure_tui.sandbox.tds.encode import encode_rows
from lytics_azure_tui.sandbox.tds.errors import Cancelled, SqlError, unsupported
from lytics_azure_tui.sandbox.tds.faults import KINDS, STATEMENT_KINDS, Fault, Faults, error_of
from lytics_azure_tui.sandbox.tds.packets import Channel, Gone
from lytics_azure_tui.sandbox.tds.parse import parse
from lytics_azure_tui.sandbox.tds.prepared import declared_parameters
from lytics_azure_tui.sandbox.tds.relations import Relation
from lytics_azure_tui.sandbox.tds.reply import Reply
from lytics_azure_tui.sandbox.tds.rows import Rows
from lytics_azure_tui.sandbox.tds.session import Session
from lytics_azure_tui.sandbox.tds.session_state import Caught
from lytics_azure_tui.sandbox.tds.types import SqlType
from lytics_azure_tui.sandbox.tds.values import Value, needed

_DEEPEST = 32
# After these SQL Server says that the statement has ended, too.
_TERMINATED = (515, 547, 2601, 2627, 2628, 8152)
_MOST_ROUNDS = 1_000_000


class _Jump(Exception):
    """BREAK, CONTINUE or RETURN."""

    def __init__(self, kind: str, value: int = 0) -> None:
        super().__init__(kind)
        self.kind = kind
        self.value = value


class Runner:
    """Runs batches of one session, one at a time.

    Attributes:
        reply: of the request under way.
    """

    def __init__(self, session: Session, channel: Channel, faults: Faults) -> None:
        """Args: channel: to the client. faults: of the server."""
        self._session = session
        self._channel = channel
        self._faults = faults
        self._definer = Definer(session)
        self._alterer = Alterer(session, self._definer)
        self._rows = Rows(session, channel)
        self._fault: Fault | None = None
        self._depth = 0
        self._tries = 0
        self._failed = False
        self.reply = Reply(channel)
        self.ends = False
        """Whether an error was so severe that the server closes the connection."""

    # ---- batches

    def batch(self, text: str, variables: dict[str, tuple[SqlType, Value]] | None = None) -> bool:
        """Runs a batch. Returns whether all of it went well.

        Args:
            variables: parameters by name; they hold their new values afterwards.

        Raises:
            Cancelled: the client wanted it to end.
            Gone: the client is not there any more.
        """
        session = self._session
        outer = session.variables
        session.variables = variables if variables is not None else {}
        self._failed = False
        try:
            self._fault = None if session.meets_no_faults else self._faults.take(STATEMENT_KINDS, text)
            self._meet_fault()
            self.statements(parse(text))
        except _Jump:
            pass
        except SqlError as error:
            self._report(error)
        finally:
            session.variables = outer
            self._drop_table_variables()
        return not self._failed

    def statements(self, statements: Sequence[syntax.AnyStatement]) -> None:
        """Runs statements one after the other; an error that ends only its statement lets the next run."""
        for statement in statements:
            self._one(statement)

    def _one(self, statement: syntax.AnyStatement) -> None:
        session = self._session
        if session.cancel.is_set():
            raise Cancelled
        try:
            self._statement(statement)
            session.last_error = 0
        except duckdb.Error as error:
            self._failing(self._translated(error, statement), statement)
        except SqlError as error:
            self._failing(error, statement)

    def _failing(self, error: Exception, statement: syntax.AnyStatement) -> None:
        session = self._session
        if not isinstance(error, SqlError):
            session.fail()
            raise error
        error.line = error.line or statement.line
        session.last_error = error.number
        if error.number == 1205 and session.transaction.count:
            # The victim's transaction is rolled back.
            self._roll_back()
        elif session.transaction.begun and self._is_broken():
            session.fail()
        if session.settings.xact_abort and session.transaction.count:
            self._roll_back()
        if error.ends_batch or session.settings.xact_abort or session.caught or self._tries:
            raise error
        self._report(error)

    def _is_broken(self) -> bool:
        """Whether DuckDB has given the transaction up: it does so after some errors, and not after others."""
        try:
            self._session.run("SELECT 1")
        except duckdb.Error:
            return True
        return False

    def _translated(self, error: duckdb.Error, statement: syntax.AnyStatement) -> Exception:
        session = self._session
        target: Relation | None = None
        verb = "UPDATE" if isinstance(statement, syntax.Update) else "INSERT"
        if isinstance(statement, syntax.Delete):
            verb = "DELETE"
        if isinstance(statement, syntax.Insert | syntax.Update | syntax.Delete):
            target = self._target_of(statement)
        found = translated(error, session.database, target, verb)
        if isinstance(found, SqlError) and found.number == 1205:
            return deadlock()
        return found

    def _target_of(self, statement: syntax.Insert | syntax.Update | syntax.Delete) -> Relation | None:
        if self._session.transaction.begun and self._is_broken():
            name = statement.target[-1]
            schema = statement.target[-2] if len(statement.target) > 1 else "dbo"
            return self._session.engine.remembered(self._session.database, schema, name)[1]
        try:
            return self._session.find(statement.target)
        except (SqlError, duckdb.Error):
            return None

    def _report(self, error: SqlError) -> None:
        self._failed = True
        self.ends = self.ends or error.severity >= 20
        self._session.last_error = error.number
        self.reply.error(error)
        if error.number in _TERMINATED:
            self.reply.info(3621, "The statement has been terminated.", line=error.line)
        self._done("NONE", None, error=True)

    def _done(self, command: str, count: int | None, *, error: bool = False) -> None:
        session = self._session
        self.reply.in_transaction = session.transaction.count > 0
        self.reply.done(command, None if session.settings.nocount else count, error=error)

    # ---- faults

    def _meet_fault(self) -> None:
        fault = self._fault
        if fault is None:
            return
        if fault.kind == "statement_error":
            self._fault = None
            session = self._session
            error = error_of(fault.number, database=session.database, user=session.user, spid=session.spid)
            if fault.number == 1205 and session.transaction.count:
                self._roll_back()
            raise error
        if fault.kind == "hang":
            self._session.cancel.wait()
            raise Cancelled
        if fault.kind == "deaf":
            time.sleep(fault.seconds)
            raise Gone("it was deaf")
        if fault.kind == "cut_after_bytes":
            self._channel.cut_after = fault.number

    def _row_fault(self) -> Fault | None:
        """The fault that the rows to come meet, if one does."""
        if self._fault is None or self._fault.kind not in ("drop_after_rows", "end_within_row", "slow_rows"):
            return None
        fault, self._fault = self._fault, None
        return fault

    # ---- each kind of statement

    def _statement(self, statement: syntax.AnyStatement) -> None:
        handler = _HANDLERS.get(type(statement))
        if handler is None:
            raise unsupported(type(statement).__name__)
        handler(self, statement)

    def _select(self, statement: syntax.SelectStatement) -> None:
        session = self._session
        body = statement.query.body
        if isinstance(body, syntax.Select) and body.into:
            self._select_into(statement.query, body.into)
            return
        session.before_reading()
        binder = Binder(session)
        bound = binder.query(statement.query)
        if bound.assigned:
            self._assign(bound, binder.parameters.values)
            return
        self.reply.columns(bound.columns, bound.ordered, bound.computed)
        self._warn_of_nulls(bound, binder.parameters.values)
        count = self._rows.send(self.reply, self._row_fault(), bound.sql, binder.parameters.values, bound.columns)
        session.row_count = count
        self._done("SELECT", count)

    def _warn_of_nulls(self, bound: BoundQuery, values: dict[str, Value]) -> None:
        if bound.leaves_out and self._raw(bound.leaves_out, values):
            words = "Warning: Null value is eliminated by an aggregate or other SET operation."
            self.reply.info(8153, words, severity=10)

    def _assign(self, bound: BoundQuery, values: dict[str, Value]) -> None:
        session = self._session
        rows = self._raw(bound.sql, values)
        session.row_count = len(rows)
        for name, value in zip(bound.assigned, rows[-1] if rows else (), strict=bool(rows)):
            session.variables[name] = (session.variables[name][0], value)
        self._warn_of_nulls(bound, values)
        self._done("SELECT", len(rows))

    def _raw(self, sql: str, values: dict[str, Value]) -> list[list[Value]]:
        """The rows of a short result, as DuckDB keeps them."""
        session = self._session
        if session.transaction.failed:
            # Values without tables are known still, such as XACT_STATE(); DuckDB must be asked beside the transaction.
            spare = session.engine.cursor(session.database)
            rows = spare.execute(sql, needed(sql, values)).fetchall()
            spare.close()
        else:
            rows = session.run(sql, values)
        return [[_plain(value) for value in row] for row in rows]

    def _select_into(self, query: syntax.Query, into: syntax.Parts) -> None:
        session = self._session
        binder = Binder(session)
        body = query.body
        assert isinstance(body, syntax.Select)  # noqa: S101
        bound = binder.query(replace(query, body=replace(body, into=None)))
        for place, (name, _) in enumerate(bound.columns, 1):
            if not name:
                words = (
                    "An object or column name is missing or empty. For SELECT INTO statements, verify "
                    f"each column has a name (column {place})."
                )
                raise SqlError(1038, words, severity=15, state=5)
        columns = [column_for(name, type_) for name, type_ in bound.columns]
        table = syntax.CreateTable(0, into, columns, [], [], [])
        with session.atomically():
            created = self._definer.create_table(table)
            try:
                rows = session.run(f"INSERT INTO {created.sql} {bound.sql}", binder.parameters.values)
            except BaseException:
                session.temporary.pop(created.name.lower(), None)
                raise
        session.row_count = _count(rows)
        self._done("INTO", session.row_count)

    def _insert(self, statement: syntax.Insert) -> None:
        self._change(change.insert(self._session, statement), "INSERT")

    def _update(self, statement: syntax.Update) -> None:
        self._change(change.update(self._session, statement), "UPDATE")

    def _delete(self, statement: syntax.Delete) -> None:
        self._change(change.delete(self._session, statement), "DELETE")

    def _change(self, change_: change.Change, command: str) -> None:
        session = self._session
        session.before_writing(change_.target)
        try:
            if change_.columns and change_.into is None:
                self.reply.columns(change_.columns)
                count = self._rows.send(self.reply, self._row_fault(), change_.sql, change_.values, change_.columns)
            elif change_.columns and change_.into is not None:
                count = self._output_into(change_, change_.into)
            else:
                count = _count(session.run(change_.sql, change_.values))
            if command == "INSERT" and change_.target.identity:
                session.identity = self._last_identity(change_.target)
        finally:
            session.after_writing()
        session.row_count = count
        self._done(command, count)

    def _output_into(self, change_: change.Change, into: syntax.Parts) -> int:
        """DuckDB inserts nothing from RETURNING, so the rows go by this process."""
        session = self._session
        target = session.relation(into, "INSERT")
        rows = self._raw(change_.sql, change_.values)
        if rows:
            names = [column for column in target.columns if column.computed is None][: len(rows[0])]
            listed = ", ".join(f'"{column.name}"' for column in names)
            markers = ", ".join("?" for _ in names)
            session.cursor.executemany(f"INSERT INTO {target.sql} ({listed}) VALUES ({markers})", rows)
        return len(rows)

    def _last_identity(self, target: Relation) -> int | None:
        name = target.sequence.rpartition(".")[2]
        sql = "SELECT last_value FROM duckdb_sequences() WHERE sequence_name = $name"
        rows = self._session.run(sql, {"name": name})
        return int(str(rows[-1][0])) if rows and rows[-1][0] is not None else None

    def _truncate(self, statement: syntax.Truncate) -> None:
        session = self._session
        target = session.relation(statement.target, "ALTER")
        session.before_writing(target)
        try:
            session.run(f"DELETE FROM {target.sql}")
        finally:
            session.after_writing()
        self._done("NONE", None)

    def _define(self, statement: syntax.AnyStatement) -> None:
        session, definer = self._session, self._definer
        with session.atomically():
            match statement:
                case syntax.CreateTable():
                    definer.create_table(statement)
                case syntax.CreateIndex():
                    definer.create_index(statement)
                case syntax.CreateView():
                    definer.create_view(statement)
                case syntax.CreateSchema(_, name):
                    definer.create_schema(name)
                case syntax.AlterTable():
                    self._alterer.alter(statement)
                case syntax.Drop():
                    definer.drop(statement)
                case syntax.Grant():
                    definer.grant(statement)
        self._done("NONE", None)

    def _drop(self, statement: syntax.Drop) -> None:
        if statement.kind != "DATABASE":
            self._define(statement)
            return
        self._definer.allow("DROP DATABASE")
        for name in statement.names:
            if not statement.if_exists or self._session.engine.database(name[-1]):
                self._session.engine.drop_database(name[-1])
        self._done("NONE", None)

    def _create_database(self, statement: syntax.CreateDatabase) -> None:
        self._definer.allow("CREATE DATABASE")
        if self._session.transaction.count:
            raise SqlError(226, "CREATE DATABASE statement not allowed within multi-statement transaction.")
        self._session.engine.create_database(statement.name)
        self._done("NONE", None)

    def _declare(self, statement: syntax.Declare) -> None:
        session = self._session
        for name, type_, expression in statement.variables:
            if name in session.variables:
                words = (
                    f"The variable name '{name}' has already been declared. Variable names must be "
                    "unique within a query batch or stored procedure."
                )
                raise SqlError(134, words, severity=15)
            value = None if expression is None else self.evaluate(expression, type_)
            session.variables[name] = (type_, value)

    def _declare_table(self, statement: syntax.DeclareTable) -> None:
        with self._session.atomically():
            self._definer.create_table(statement.table)

    def _drop_table_variables(self) -> None:
        session = self._session
        for name in [name for name in session.temporary if name.startswith("@")]:
            if not session.transaction.failed:
                session.run(f"DROP TABLE IF EXISTS {session.temporary[name].sql}")
            del session.temporary[name]

    def evaluate(self, expression: syntax.Expression, type_: SqlType) -> Value:
        """The value of an expression without columns, as a type."""
        session = self._session
        binder = Binder(session)
        value = binder.converter.convert(binder.value(expression, Scope()), type_)
        if value.constant:
            return value.value
        rows = self._raw(f"SELECT {value.sql}", binder.parameters.values)
        return rows[0][0]

    def _holds(self, condition: syntax.Expression) -> bool:
        if isinstance(condition, syntax.Literal):
            return True
        binder = Binder(self._session)
        text = binder.condition(condition, Scope())
        return bool(self._raw(f"SELECT {text}", binder.parameters.values)[0][0])

    def _set_variable(self, statement: syntax.SetVariable) -> None:
        session = self._session
        type_ = Binder(session).variable_type(statement.name)
        value = statement.value
        if statement.op != "=":
            value = syntax.Binary(statement.op[0], syntax.Variable(statement.name), value)
        session.variables[statement.name] = (type_, self.evaluate(value, type_))
        self._done("NONE", None)

    def _set_option(self, statement: syntax.SetOption) -> None:
        settings, words = self._session.settings, statement.words
        on = words[-1] == "ON"
        for name in "".join(words[:-1]).split(","):
            if name == "NOCOUNT":
                settings.nocount = on
            elif name == "XACT_ABORT":
                settings.xact_abort = on
            elif name == "IMPLICIT_TRANSACTIONS":
                settings.implicit_transactions = on
        if words[0] == "TRANSACTION":
            settings.isolation = " ".join(words[3:])
        elif words[0] == "LOCK_TIMEOUT":
            settings.lock_timeout = int("".join(words[1:]))
        elif words[0] == "IDENTITY_INSERT":
            self._identity_insert(words, on)
        self._done("SET", None)

    def _identity_insert(self, words: list[str], on: bool) -> None:
        session = self._session
        parts = tuple(word for word in words[1:-1] if word != ".")
        relation = session.relation(parts, "INSERT")
        session.settings.identity_insert = f"{relation.schema}.{relation.name}" if on else ""

    # ---- transactions

    def _transaction(self, statement: syntax.Transaction) -> None:
        if statement.action == "BEGIN":
            self.begin()
        elif statement.action == "COMMIT":
            self.commit()
        elif statement.action == "ROLLBACK":
            if not self._session.transaction.count:
                raise SqlError(3903, "The ROLLBACK TRANSACTION request has no corresponding BEGIN TRANSACTION.")
            self._roll_back()
        else:
            raise unsupported("SAVE TRANSACTION", statement.line)
        self._done("NONE", None)

    def begin(self) -> None:
        """BEGIN TRANSACTION, told to the client."""
        if self._session.begin():
            self.reply.write(tokens.changed_transaction(tokens.BEGIN_TRANSACTION, self._session.transaction.number))

    def commit(self) -> None:
        """COMMIT, told to the client."""
        session = self._session
        number = session.transaction.number
        try:
            ended = session.commit()
        except SqlError as error:
            if error.number != 3902 and not session.transaction.count:
                self.reply.write(tokens.changed_transaction(tokens.ROLLBACK_TRANSACTION, number))
            raise
        if ended:
            self.reply.write(tokens.changed_transaction(tokens.COMMIT_TRANSACTION, number))

    def _roll_back(self) -> None:
        number = self._session.transaction.number
        self._session.rollback()
        self.reply.write(tokens.changed_transaction(tokens.ROLLBACK_TRANSACTION, number))

    def roll_back(self) -> None:
        """ROLLBACK, told to the client; nothing if there is no transaction."""
        if self._session.transaction.count:
            self._roll_back()

    # ---- flow

    def _if(self, statement: syntax.If) -> None:
        self.statements(statement.then if self._holds(statement.condition) else statement.otherwise)

    def _while(self, statement: syntax.While) -> None:
        for _ in range(_MOST_ROUNDS):
            if not self._holds(statement.condition):
                return
            try:
                self.statements(statement.body)
            except _Jump as jump:
                if jump.kind == "BREAK":
                    return
                if jump.kind == "RETURN":
                    raise
        raise unsupported(f"A loop of more than {_MOST_ROUNDS:,} rounds", statement.line)

    def _jump(self, statement: syntax.Jump) -> None:
        value = 0 if statement.value is None else self.evaluate(statement.value, types.INT)
        raise _Jump(statement.kind, value if isinstance(value, int) else 0)

    def _try(self, statement: syntax.Try) -> None:
        session = self._session
        self._tries += 1
        try:
            self.statements(statement.body)
            return
        except SqlError as error:
            if error.severity >= 20:
                raise
            caught = Caught(error.number, error.message, error.severity, error.state, error.line)
        finally:
            self._tries -= 1
        if self.reply.in_rows:
            # What the failed statement had begun to answer stays a result without rows.
            self._done("SELECT", 0)
        session.caught.append(caught)
        try:
            self.statements(statement.handler)
        finally:
            session.caught.pop()

    def _print(self, statement: syntax.Print) -> None:
        value = self.evaluate(statement.value, types.nvarchar(4000))
        self.reply.info(0, _text(value) or " ", 0, statement.line)
        self._done("NONE", None)

    def _raise(self, statement: syntax.Raise) -> None:
        session = self._session
        if statement.message is None:
            if not session.caught:
                words = "To rethrow an error, a THROW statement must be used inside a CATCH block."
                raise SqlError(10704, words, severity=15)
            again = session.caught[-1]
            raise SqlError(again.number, again.message, severity=again.severity, state=again.state, line=again.line)
        message = _text(self.evaluate(statement.message, types.nvarchar(2048)))
        state = _small(self.evaluate(statement.state, types.INT)) if statement.state else 1
        if statement.number is not None:
            raise SqlError(_small(self.evaluate(statement.number, types.INT)), message, state=state)
        severity = _small(self.evaluate(statement.severity, types.INT)) if statement.severity else 16
        if severity <= 10:
            self.reply.info(50000, message, severity, statement.line)
            self._done("NONE", None)
            return
        raised = SqlError(50000, message, severity=severity, state=state, line=statement.line)
        if self._tries:
            raise raised
        self._report(raised)

    def _use(self, statement: syntax.Use) -> None:
        session = self._session
        old = session.database
        if session.transaction.begun:
            raise unsupported("USE within a transaction that has written", statement.line)
        session.use(statement.database)
        self.reply.write(tokens.changed_text(tokens.DATABASE, session.database, old))
        self.reply.info(5701, f"Changed database context to '{session.database}'.")

    def _wait_for(self, statement: syntax.WaitFor) -> None:
        delay = _text(self.evaluate(statement.delay, types.varchar(30))).strip()
        match = re.fullmatch(r"(\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d+)?))?", delay)
        if not match:
            raise SqlError(148, f"Incorrect time syntax in time string '{delay}' used with WAITFOR.", severity=15)
        seconds = int(match[1]) * 3600 + int(match[2]) * 60 + float(match[3] or 0)
        if self._session.cancel.wait(seconds):
            raise Cancelled

    def _nothing(self, statement: syntax.Nothing) -> None:
        self._done("NONE", None)

    # ---- procedures

    def _execute(self, statement: syntax.Execute) -> None:
        name = statement.name[-1].lower()
        if not name:
            text = self.evaluate(statement.arguments[0][1], types.nvarchar())
            self._nested(_text(text), {}, procedure=False)
            return
        if name == "sp_executesql":
            self._execute_sql(statement)
            return
        handler = _PROCEDURES.get(name)
        if handler is None:
            raise SqlError(2812, f"Could not find stored procedure '{'.'.join(statement.name)}'.", state=62)
        values = [self.evaluate(value, types.nvarchar()) for _, value, _ in statement.arguments]
        self.call(name, values)

    def call(self, name: str, values: list[Value]) -> None:
        """Runs a procedure of the server's own.

        Raises:
            SqlError: 2812, there is none.
        """
        handler = _PROCEDURES.get(name)
        if handler is None:
            raise SqlError(2812, f"Could not find stored procedure '{name}'.", state=62)
        self.reply.procedures += 1
        try:
            handler(self, [None if value is None else str(value) for value in values])
            self.reply.write(tokens.return_status(0))
        finally:
            self.reply.procedures -= 1
            self.reply.done_procedure()

    def _execute_sql(self, statement: syntax.Execute) -> None:
        session = self._session
        arguments = statement.arguments
        text = _text(self.evaluate(arguments[0][1], types.nvarchar()))
        declared = _text(self.evaluate(arguments[1][1], types.nvarchar())) if len(arguments) > 1 else ""
        variables = declared_parameters(declared)
        outputs: list[tuple[str, str]] = []
        for place, (name, value, output) in enumerate(arguments[2:]):
            target = name or list(variables)[place]
            if target not in variables:
                raise SqlError(8145, f"{target} is not a parameter for procedure sp_executesql.")
            type_ = variables[target][0]
            variables[target] = (type_, self.evaluate(value, type_))
            if output and isinstance(value, syntax.Variable):
                outputs.append((target, value.name))
        self._nested(text, variables, procedure=True)
        for inner, outer in outputs:
            type_ = session.variables[outer][0]
            session.variables[outer] = (type_, variables[inner][1])

    def _nested(self, text: str, variables: dict[str, tuple[SqlType, Value]], *, procedure: bool) -> None:
        session = self._session
        self._depth += 1
        if self._depth > _DEEPEST:
            raise SqlError(
                217, "Maximum stored procedure, function, trigger, or view nesting level exceeded (limit 32)."
            )
        outer, session.variables = session.variables, variables
        self.reply.procedures += 1
        try:
            self.statements(parse(text))
        except _Jump:
            pass
        finally:
            self.reply.procedures -= 1
            self._depth -= 1
            session.variables = outer
        if procedure:
            self.reply.write(tokens.return_status(0))
            self.reply.done_procedure()

    def _sandbox_fault(self, values: list[str | None]) -> None:
        self._definer.allow("EXECUTE")
        kind, number, like, seconds, times_ = [*values, *[None] * 5][:5]
        if kind not in KINDS:
            raise SqlError(50000, f"There is no fault '{kind}'; there are {', '.join(KINDS)}.")
        self._faults.order(
            Fault(kind, int(float(number or 0)), like or "%", float(seconds or 0), int(float(times_ or 1)))
        )

    def _sandbox_reset(self, values: list[str | None]) -> None:
        self._faults.clear()

    def _sandbox_native(self, values: list[str | None]) -> None:
        """DuckDB's own SQL, for filling tables; what it answers is not sent."""
        session = self._session
        self._definer.allow("EXECUTE")
        session.before_writing()
        try:
            session.run(values[0] or "")
        finally:
            session.after_writing()

    def _reset_connection(self, values: list[str | None]) -> None:
        self._session.reset()

    def encoded(self, type_: SqlType, value: Value) -> bytes:
        """A single value as it travels in a row."""
        binder = Binder(self._session)
        bound = binder.converter.literal(value, type_)
        sql = f"SELECT CAST({bound.sql} AS {type_.duck}) AS c0"
        for batch in batches(self._session.cursor, sql, binder.parameters.values, 1):
            data, _ = encode_rows(batch, [type_.maybe()])
            return bytes(data[1:])
        return b""


def _count(rows: list[tuple[object, ...]]) -> int:
    return int(str(rows[0][0])) if rows and rows[0] and rows[0][0] is not None else 0


def _plain(value: object) -> Value:
    """What DuckDB's client makes of a DATE is not how it is kept here."""
    if isinstance(value, date):
        return value.toordinal() - 1
    if isinstance(value, memoryview | bytearray):
        return bytes(value)
    return value  # type: ignore[return-value]


def _text(value: Value) -> str:
    return value if isinstance(value, str) else ""


def _small(value: Value) -> int:
    return value if isinstance(value, int) else 0


_HANDLERS: dict[type, Callable[..., None]] = {
    syntax.SelectStatement: Runner._select,
    syntax.Insert: Runner._insert,
    syntax.Update: Runner._update,
    syntax.Delete: Runner._delete,
    syntax.Truncate: Runner._truncate,
    syntax.CreateTable: Runner._define,
    syntax.CreateIndex: Runner._define,
    syntax.CreateView: Runner._define,
    syntax.CreateSchema: Runner._define,
    syntax.AlterTable: Runner._define,
    syntax.Grant: Runner._define,
    syntax.Drop: Runner._drop,
    syntax.CreateDatabase: Runner._create_database,
    syntax.Declare: Runner._declare,
    syntax.DeclareTable: Runner._declare_table,
    syntax.SetVariable: Runner._set_variable,
    syntax.SetOption: Runner._set_option,
    syntax.Transaction: Runner._transaction,
    syntax.If: Runner._if,
    syntax.While: Runner._while,
    syntax.Try: Runner._try,
    syntax.Jump: Runner._jump,
    syntax.Execute: Runner._execute,
    syntax.Print: Runner._print,
    syntax.Raise: Runner._raise,
    syntax.Use: Runner._use,
    syntax.WaitFor: Runner._wait_for,
    syntax.Nothing: Runner._nothing,
}
_PROCEDURES: dict[str, Callable[[Runner, list[str | None]], None]] = {
    "sandbox_fault": Runner._sandbox_fault,
    "sandbox_reset": Runner._sandbox_reset,
    "sandbox_native": Runner._sandbox_native,
    "sp_reset_connection": Runner._reset_connection,
}
