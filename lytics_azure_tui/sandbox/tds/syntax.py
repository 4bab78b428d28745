"""What a T-SQL batch is made of, once it is parsed."""

from __future__ import annotations

from dataclasses import dataclass, field

from lytics_azure_tui.sandbox.tds.types import SqlType

Parts = tuple[str, ...]


# ---- expressions


@dataclass(slots=True)
class Literal:
    """kind: int, decimal, float, money, string, nstring, binary, null, default."""

    kind: str
    value: str = ""


@dataclass(slots=True)
class Name:
    """A column, of one to four parts."""

    parts: Parts


@dataclass(slots=True)
class Star:
    """* or t.*"""

    parts: Parts = ()


@dataclass(slots=True)
class Variable:
    """@x, or @@x of the server."""

    name: str


@dataclass(slots=True)
class Unary:
    """op: + - ~ NOT"""

    op: str
    operand: Expression


@dataclass(slots=True)
class Binary:
    """op: an arithmetic sign, a comparison, AND, OR."""

    op: str
    left: Expression
    right: Expression


@dataclass(slots=True)
class Case:
    """With an operand the conditions are values to compare with."""

    operand: Expression | None
    branches: list[tuple[Expression, Expression]]
    otherwise: Expression | None


@dataclass(slots=True)
class Cast:
    """CAST, CONVERT, TRY_CAST and TRY_CONVERT."""

    operand: Expression
    type: SqlType
    style: Expression | None = None
    attempt: bool = False


@dataclass(slots=True)
class Window:
    """OVER (…)"""

    partition: list[Expression]
    order: list[Ordered]
    frame: str = ""


@dataclass(slots=True)
class Call:
    """A function; its name in upper case, without schema."""

    name: str
    arguments: list[Expression]
    distinct: bool = False
    over: Window | None = None
    order: list[Ordered] = field(default_factory=list)
    line: int = 0


@dataclass(slots=True)
class ScalarQuery:
    """(SELECT …) as a value."""

    query: Query


@dataclass(slots=True)
class Exists:
    """EXISTS (SELECT …)"""

    query: Query


@dataclass(slots=True)
class In:
    """x IN (…)"""

    operand: Expression
    choices: list[Expression] | Query
    negated: bool


@dataclass(slots=True)
class Between:
    """x BETWEEN a AND b"""

    operand: Expression
    low: Expression
    high: Expression
    negated: bool


@dataclass(slots=True)
class Like:
    """x LIKE pattern ESCAPE c"""

    operand: Expression
    pattern: Expression
    escape: Expression | None
    negated: bool


@dataclass(slots=True)
class IsNull:
    """x IS NULL"""

    operand: Expression
    negated: bool


@dataclass(slots=True)
class Collate:
    """x COLLATE name"""

    operand: Expression
    collation: str


@dataclass(slots=True)
class AtTimeZone:
    """x AT TIME ZONE name"""

    operand: Expression
    zone: Expression


Expression = (
    Literal
    | Name
    | Star
    | Variable
    | Unary
    | Binary
    | Case
    | Cast
    | Call
    | ScalarQuery
    | Exists
    | In
    | Between
    | Like
    | IsNull
    | Collate
    | AtTimeZone
)


# ---- queries


@dataclass(slots=True)
class Ordered:
    """One item of ORDER BY."""

    expression: Expression
    descending: bool = False


@dataclass(slots=True)
class Item:
    """One item of a select list: a value with a name or none, or SELECT @x = value."""

    expression: Expression
    name: str | None = None
    variable: str | None = None
    op: str = "="


@dataclass(slots=True)
class Table:
    """A table, a view or a catalogue view in FROM."""

    parts: Parts
    alias: str | None = None


@dataclass(slots=True)
class Derived:
    """(SELECT …) AS alias (columns)"""

    query: Query
    alias: str
    columns: list[str]


@dataclass(slots=True)
class TableCall:
    """A function in FROM."""

    name: str
    arguments: list[Expression]
    alias: str | None


@dataclass(slots=True)
class Join:
    """kind: INNER, LEFT, RIGHT, FULL, CROSS, CROSS APPLY, OUTER APPLY"""

    kind: str
    left: Source
    right: Source
    on: Expression | None


Source = Table | Derived | TableCall | Join


@dataclass(slots=True)
class Select:
    """One SELECT, without the WITH and ORDER BY around it."""

    items: list[Item]
    distinct: bool = False
    top: Expression | None = None
    percent: bool = False
    ties: bool = False
    into: Parts | None = None
    sources: list[Source] = field(default_factory=list)
    where: Expression | None = None
    group: list[Expression] = field(default_factory=list)
    having: Expression | None = None


@dataclass(slots=True)
class Values:
    """VALUES (…), (…)"""

    rows: list[list[Expression]]


@dataclass(slots=True)
class SetOperation:
    """op: UNION, UNION ALL, EXCEPT, INTERSECT"""

    op: str
    left: Body
    right: Body


Body = Select | Values | SetOperation


@dataclass(slots=True)
class CommonTable:
    """One of WITH."""

    name: str
    columns: list[str]
    query: Query


@dataclass(slots=True)
class Query:
    """A whole query."""

    body: Body
    commons: list[CommonTable] = field(default_factory=list)
    order: list[Ordered] = field(default_factory=list)
    offset: Expression | None = None
    fetch: Expression | None = None


# ---- statements


@dataclass(slots=True)
class Statement:
    """What all statements have."""

    line: int


@dataclass(slots=True)
class Output:
    """OUTPUT …; into a table or to the client."""

    items: list[Item]
    into: Parts | None = None


@dataclass(slots=True)
class SelectStatement(Statement):
    """A query that answers, fills a table or sets variables."""

    query: Query


@dataclass(slots=True)
class Insert(Statement):
    """source: a query, a procedure's result, or None for DEFAULT VALUES."""

    target: Parts
    columns: list[str]
    source: Query | Execute | None
    output: Output | None = None
    commons: list[CommonTable] = field(default_factory=list)


@dataclass(slots=True)
class Assignment:
    """column = value; op may be += and its like."""

    column: Parts
    op: str
    value: Expression


@dataclass(slots=True)
class Update(Statement):
    """UPDATE"""

    target: Parts
    assignments: list[Assignment]
    top: Expression | None
    sources: list[Source]
    where: Expression | None
    output: Output | None = None
    commons: list[CommonTable] = field(default_factory=list)


@dataclass(slots=True)
class Delete(Statement):
    """DELETE"""

    target: Parts
    top: Expression | None
    sources: list[Source]
    where: Expression | None
    output: Output | None = None
    commons: list[CommonTable] = field(default_factory=list)


@dataclass(slots=True)
class Truncate(Statement):
    """TRUNCATE TABLE"""

    target: Parts


@dataclass(slots=True)
class Key:
    """A key, a unique constraint or an index. columns: name and whether it descends."""

    name: str | None
    primary: bool
    unique: bool
    clustered: bool | None
    columns: list[tuple[str, bool]]
    constraint: bool = True


@dataclass(slots=True)
class Check:
    """A condition; its text is kept."""

    name: str | None
    condition: Expression
    text: str


@dataclass(slots=True)
class ForeignKey:
    """REFERENCES"""

    name: str | None
    columns: list[str]
    target: Parts
    target_columns: list[str]


@dataclass(slots=True)
class Column:
    """A column's definition. default and computed are T-SQL text, mask is a function of dynamic data masking."""

    name: str
    type: SqlType
    nullable: bool | None = None
    identity: tuple[int, int] | None = None
    default: str | None = None
    computed: str | None = None
    mask: str | None = None


@dataclass(slots=True)
class CreateTable(Statement):
    """CREATE TABLE"""

    name: Parts
    columns: list[Column]
    keys: list[Key]
    checks: list[Check]
    foreign: list[ForeignKey]


@dataclass(slots=True)
class AlterTable(Statement):
    """ALTER TABLE: one of its actions is filled."""

    name: Parts
    add: list[Column] = field(default_factory=list)
    keys: list[Key] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    foreign: list[ForeignKey] = field(default_factory=list)
    defaults: list[tuple[str, str]] = field(default_factory=list)
    drop: list[str] = field(default_factory=list)
    drop_constraints: list[str] = field(default_factory=list)
    alter: Column | None = None


@dataclass(slots=True)
class CreateIndex(Statement):
    """CREATE INDEX"""

    table: Parts
    key: Key


@dataclass(slots=True)
class CreateView(Statement):
    """CREATE VIEW; the text is the whole statement's."""

    name: Parts
    columns: list[str]
    query: Query
    text: str
    replace: bool


@dataclass(slots=True)
class CreateSchema(Statement):
    """CREATE SCHEMA"""

    name: str


@dataclass(slots=True)
class CreateDatabase(Statement):
    """CREATE DATABASE"""

    name: str


@dataclass(slots=True)
class Drop(Statement):
    """kind: TABLE, VIEW, SCHEMA, DATABASE, INDEX (names are then table and index)."""

    kind: str
    names: list[Parts]
    if_exists: bool
    table: Parts | None = None


@dataclass(slots=True)
class Grant(Statement):
    """GRANT, DENY or REVOKE a permission on a schema or an object to a user."""

    action: str
    permissions: list[str]
    scope: str
    target: Parts
    users: list[str]


@dataclass(slots=True)
class Declare(Statement):
    """DECLARE @x type = value, …"""

    variables: list[tuple[str, SqlType, Expression | None]]


@dataclass(slots=True)
class DeclareTable(Statement):
    """DECLARE @t TABLE (…)"""

    name: str
    table: CreateTable


@dataclass(slots=True)
class SetVariable(Statement):
    """SET @x = value"""

    name: str
    op: str
    value: Expression


@dataclass(slots=True)
class SetOption(Statement):
    """SET NOCOUNT ON and its like: the words in upper case, a value at the end."""

    words: list[str]


@dataclass(slots=True)
class Transaction(Statement):
    """action: BEGIN, COMMIT, ROLLBACK, SAVE"""

    action: str
    name: str = ""


@dataclass(slots=True)
class If(Statement):
    """IF"""

    condition: Expression
    then: list[AnyStatement]
    otherwise: list[AnyStatement]


@dataclass(slots=True)
class While(Statement):
    """WHILE"""

    condition: Expression
    body: list[AnyStatement]


@dataclass(slots=True)
class Try(Statement):
    """BEGIN TRY … BEGIN CATCH …"""

    body: list[AnyStatement]
    handler: list[AnyStatement]


@dataclass(slots=True)
class Jump(Statement):
    """kind: BREAK, CONTINUE, RETURN"""

    kind: str
    value: Expression | None = None


@dataclass(slots=True)
class Execute(Statement):
    """EXEC procedure arguments, or EXEC (text), which is called with the name ''. An argument: name, value, output."""

    name: Parts
    arguments: list[tuple[str | None, Expression, bool]]
    result: str | None = None


@dataclass(slots=True)
class Print(Statement):
    """PRINT"""

    value: Expression


@dataclass(slots=True)
class Raise(Statement):
    """RAISERROR and THROW, as number, severity, state, message; without a message the caught error goes on."""

    number: Expression | None
    message: Expression | None
    severity: Expression | None
    state: Expression | None


@dataclass(slots=True)
class Use(Statement):
    """USE"""

    database: str


@dataclass(slots=True)
class WaitFor(Statement):
    """WAITFOR DELAY"""

    delay: Expression


@dataclass(slots=True)
class Nothing(Statement):
    """A statement that is right, and changes nothing here: UPDATE STATISTICS, ALTER INDEX, CHECKPOINT."""


AnyStatement = (
    SelectStatement
    | Insert
    | Update
    | Delete
    | Truncate
    | CreateTable
    | AlterTable
    | CreateIndex
    | CreateView
    | CreateSchema
    | CreateDatabase
    | Drop
    | Grant
    | Declare
    | DeclareTable
    | SetVariable
    | SetOption
    | Transaction
    | If
    | While
    | Try
    | Jump
    | Execute
    | Print
    | Raise
    | Use
    | WaitFor
    | Nothing
)
