"""CAST, CONVERT, and what SQL Server converts by itself."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation, localcontext
from uuid import UUID

from lytics_azure_tui.sandbox.tds import times
from lytics_azure_tui.sandbox.tds.errors import SqlError
from lytics_azure_tui.sandbox.tds.types import (
    CODE_PAGE,
    MAX,
    TYPE_IDS,
    SqlType,
    nvarchar,
)
from lytics_azure_tui.sandbox.tds.values import Bound, Parameters, Value, literal

RANGES = {
    "tinyint": (0, 255),
    "smallint": (-(1 << 15), (1 << 15) - 1),
    "int": (-(1 << 31), (1 << 31) - 1),
    "bigint": (-(1 << 63), (1 << 63) - 1),
}


class Converter:
    """Converts values; long constants become parameters."""

    def __init__(self, parameters: Parameters) -> None:
        """Args: parameters: of the statement."""
        self.parameters = parameters

    def literal(self, value: Value, type_: SqlType) -> Bound:
        """A constant."""
        return literal(value, type_, self.parameters)

    def convert(self, value: Bound, target: SqlType, style: int | None = None, *, attempt: bool = False) -> Bound:
        """CONVERT(target, value, style).

        Args:
            attempt: NULL instead of an error, as TRY_CONVERT.

        Raises:
            SqlError: there is no such conversion, or a constant cannot be converted.
        """
        try:
            converted = self._converted(value, target, style)
        except SqlError as error:
            if not attempt or error.number in (529, 206):
                raise
            return self.literal(None, target)
        if attempt and not converted.constant:
            return Bound(f"TRY({converted.sql})", target.maybe())
        return converted

    def _converted(self, value: Bound, target: SqlType, style: int | None) -> Bound:
        if value.untyped or (value.constant and value.value is None):
            return self.literal(None, target)
        source = value.type
        if _same(source, target):
            return Bound(value.sql, target.maybe(source.nullable), value.constant, value.value)
        if value.constant:
            known = self._constant(value.value, source, target, style)
            if known is not _UNKNOWN:
                return self.literal(known, target)  # type: ignore[arg-type]
        if source.name == "sql_variant":
            return self._from_variant(value, target, style)
        return Bound(self._expression(value, source, target, style), target.maybe(source.nullable))

    # ---- constants

    def _constant(self, value: Value, source: SqlType, target: SqlType, style: int | None) -> object:  # noqa: PLR0911 -- one a kind
        """What is known without DuckDB; _UNKNOWN if nothing is."""
        if isinstance(value, str) and source.text:
            if target.text:
                return _fitted(value, target)
            return _read(value, source, target, style)
        if isinstance(value, bytes | bytearray) and target.binary:
            return _fitted_bytes(bytes(value), target)
        if isinstance(value, bytes | bytearray) and (target.integer or target.name == "timestamp"):
            return int.from_bytes(value[-8:].rjust(8, b"\0"), "big", signed=True)
        if isinstance(value, int) and not isinstance(value, bool) and (source.integer or source.name == "timestamp"):
            if target.binary:
                width = {"tinyint": 1, "smallint": 2, "int": 4}.get(source.name, 8)
                data = value.to_bytes(width, "big", signed=value < 0)
                return data.rjust(target.length, b"\0")[-target.length :] if target.length > 0 else data
            if target.integer:
                return _in_range(value, source, target)
        if isinstance(value, Decimal) and target.integer:
            return _in_range(int(value), source, target)
        return _UNKNOWN

    # ---- expressions

    def _expression(self, value: Bound, source: SqlType, target: SqlType, style: int | None) -> str:  # noqa: PLR0911, PLR0912 -- one a kind
        sql = value.sql
        if target.name == "sql_variant":
            return f"({_quoted_name(source)} || '|' || {self.text_of(value)})"
        if target.text:
            return self._to_text(value, source, target, style)
        if target.binary:
            return self._to_binary(sql, source, target, style)
        if target.temporal:
            return self._to_temporal(sql, source, target)
        if source.temporal:
            if source.name in ("datetime", "smalldatetime") and target.number:
                days = f"(({sql}) - {times.DAYS_TO_1900 * times.DAY}) / {times.DAY}"
                return f"CAST({days} AS {target.duck})"
            raise _not_allowed(source, target)
        if target.name == "timestamp":
            return f"CAST({self._number_of_bytes(sql, source)} AS BIGINT)"
        if target.name == "uniqueidentifier":
            if not source.text and not source.binary:
                raise _not_allowed(source, target)
            return f"CAST({sql} AS UUID)" if source.text else _guid_of_bytes(sql)
        if source.name == "uniqueidentifier":
            raise _not_allowed(source, target)
        if target.name == "bit":
            if source.text:
                return f"CAST({sql} AS BOOLEAN)"
            return f"({self._number_of_bytes(sql, source)} <> 0)"
        if source.name == "timestamp" or source.binary:
            if not target.integer:
                raise _not_allowed(source, target)
            return f"CAST({self._number_of_bytes(sql, source)} AS {target.duck})"
        if target.integer and (source.exact or source.approximate):
            return f"CAST(trunc({sql}) AS {target.duck})"
        if target.integer and source.text:
            return f"CAST(trim({sql}) AS {target.duck})"
        return f"CAST({sql} AS {target.duck})"

    def text_of(self, value: Bound) -> str:
        """As a text of any length, in the default style."""
        return self.convert(value, nvarchar()).sql

    def _to_text(self, value: Bound, source: SqlType, target: SqlType, style: int | None) -> str:
        sql, whole = value.sql, True
        if source.text:
            text = sql
            whole = source.length == MAX or (target.length != MAX and source.length > target.length)
        elif source.temporal:
            text = times.write(sql, source, style)
        elif source.name == "bit":
            text = f"CAST(CAST({sql} AS INTEGER) AS VARCHAR)"
        elif source.name in ("money", "smallmoney") and not style:
            text = f"CAST(CAST({sql} AS DECIMAL(19,2)) AS VARCHAR)"
        elif source.approximate and not style:
            text = f"format('{{:.6g}}', {sql})"
        elif source.name == "uniqueidentifier":
            text = f"upper(CAST({sql} AS VARCHAR))"
        elif source.binary or source.name == "timestamp":
            data = sql if source.binary else _bytes_of_number(sql, 8)
            text = {1: f"('0x' || hex({data}))", 2: f"hex({data})"}.get(style or 0, f"decode({data})")
        else:
            text = f"CAST({sql} AS VARCHAR)"
        if target.length > 0 and whole:
            text = f"left({text}, {target.length})"
        return f"rpad({text}, {target.length}, ' ')" if target.name in ("char", "nchar") else text

    def _to_binary(self, sql: str, source: SqlType, target: SqlType, style: int | None) -> str:
        if source.binary:
            data = sql
        elif source.text:
            digits = {1: f"substr({sql}, 3)", 2: sql}.get(style or 0)
            data = f"unhex({digits})" if digits else f"encode({sql})"
        elif source.integer or source.name in ("timestamp", "bit"):
            width = {"tinyint": 1, "bit": 1, "smallint": 2, "int": 4}.get(source.name, 8)
            width = target.length if target.length > 0 and target.name == "binary" else width
            return _bytes_of_number(sql, width)
        elif source.name == "uniqueidentifier":
            data = _bytes_of_guid(sql)
        else:
            raise _not_allowed(source, target)
        if target.length == MAX or (source.binary and source.length == target.length and source.name == target.name):
            return data
        data = f"unhex(left(hex({data}), {2 * target.length}))"
        return f"unhex(rpad(hex({data}), {2 * target.length}, '0'))" if target.name == "binary" else data

    def _to_temporal(self, sql: str, source: SqlType, target: SqlType) -> str:  # noqa: PLR0911 -- one a kind
        if source.text:
            return times.read_text(sql, target)
        if source.number:
            if target.name not in ("datetime", "smalldatetime"):
                raise _not_allowed(source, target)
            days = f"CAST(round(CAST({sql} AS DOUBLE) * {times.DAY}) AS BIGINT) + {times.DAYS_TO_1900 * times.DAY}"
            return times.to_scale(f"({days})", target, finer=True)
        if not source.temporal:
            raise _not_allowed(source, target)
        if "time" in (source.name, target.name) and "date" in (source.name, target.name):
            raise _not_allowed(source, target)
        if target.name == "date":
            return times.to_date(self.ticks(Bound(sql, source)))
        # As clocks at its offset show it: the offset is dropped.
        ticks = self.ticks(Bound(sql, source))
        finer = source.name != "date" and (
            target.name in ("datetime", "smalldatetime") or source.scale > target.scale or source.name == "datetime"
        )
        if source.name == "time" and target.name != "time":
            ticks = f"({ticks} + {times.DAYS_TO_1900 * times.DAY})"
        if target.name == "time":
            return times.to_scale(f"({ticks} % {times.DAY})", target, finer=finer)
        rounded = times.to_scale(ticks, target, finer=finer)
        if target.name == "datetimeoffset":
            if source.name == "datetimeoffset":
                minutes = times.offset(sql)
                return times.packed(f"({rounded} - {minutes} * {times.MINUTE})", minutes)
            return times.packed(rounded, "0")
        return times.within(rounded, target, source.name)

    def ticks(self, value: Bound) -> str:
        """A date or time as local ticks."""
        if value.type.name == "date":
            return times.from_date(value.sql)
        return times.local(value.sql) if value.type.name == "datetimeoffset" else value.sql

    def _number_of_bytes(self, sql: str, source: SqlType) -> str:
        """Bytes read as a number with a sign; numbers as they are."""
        if not source.binary:
            return sql
        hexed = f"right(lpad(hex({sql}), 16, '0'), 16)"
        number = f"CAST('0x' || {hexed} AS UBIGINT)"
        return (
            f"CAST(CASE WHEN {number} > {RANGES['bigint'][1]} THEN {number}::HUGEINT - {1 << 64} ELSE "
            f"{number} END AS BIGINT)"
        )

    def _from_variant(self, value: Bound, target: SqlType, style: int | None) -> Bound:
        text = f"substr({value.sql}, strpos({value.sql}, '|') + 1)"
        inner = Bound(text, nvarchar())
        return Bound(self._expression(inner, inner.type, target, style) if not target.text else text, target)


_UNKNOWN = object()


def _same(source: SqlType, target: SqlType) -> bool:
    """Whether nothing is to be done."""
    if source.text and target.text:
        if target.name in ("char", "nchar"):
            return source.name in ("char", "nchar") and source.length == target.length
        return target.length == MAX or (source.length != MAX and source.length <= target.length)
    if source.binary and target.binary:
        if target.name == "binary":
            return source.name == "binary" and source.length == target.length
        return target.length == MAX or (source.length != MAX and source.length <= target.length)
    return source.maybe() == target.maybe()


def _fitted(text: str, target: SqlType) -> str:
    cut = text if target.length == MAX else text[: target.length]
    return cut.ljust(target.length) if target.name in ("char", "nchar") else cut


def _fitted_bytes(data: bytes, target: SqlType) -> bytes:
    cut = data if target.length == MAX else data[: target.length]
    return cut.ljust(target.length, b"\0") if target.name == "binary" else cut


def _read(text: str, source: SqlType, target: SqlType, style: int | None) -> object:  # noqa: PLR0911 -- one a kind
    """A constant text as another type."""
    if target.temporal:
        return times.read(text, target)
    if target.name == "bit" and text.strip().lower() in ("true", "false"):
        return text.strip().lower() == "true"
    if target.integer or target.name == "bit":
        try:
            number = int(text.strip() or "0")
        except ValueError:
            raise conversion_failed(text, source.name, target.name) from None
        return bool(number) if target.name == "bit" else _in_range(number, source, target, text)
    if target.exact or target.approximate:
        return _read_number(text, source, target)
    if target.name == "uniqueidentifier":
        try:
            return UUID(text.strip().strip("{}"))
        except ValueError:
            words = "Conversion failed when converting from a character string to uniqueidentifier."
            raise SqlError(8169, words) from None
    if target.binary or target.name == "timestamp":
        if style in (1, 2):
            digits = text[2:] if style == 1 else text
            try:
                data = bytes.fromhex(digits)
            except ValueError:
                raise SqlError(8114, f"Error converting data type {source.name} to {target.name}.") from None
        else:
            data = text.encode("utf-16-le" if source.national else CODE_PAGE, "replace")
        return _fitted_bytes(data, target) if target.binary else int.from_bytes(data[:8].ljust(8, b"\0"), "big")
    return _UNKNOWN


def _read_number(text: str, source: SqlType, target: SqlType) -> object:
    try:
        number = Decimal(text.strip().replace(",", "").lstrip("$") if "money" in target.name else text.strip())
    except InvalidOperation:
        if target.name in ("money", "smallmoney"):
            raise SqlError(235, "Cannot convert a char value to money. The char value has incorrect syntax.") from None
        kind = "numeric" if target.name == "decimal" else target.name
        raise SqlError(8114, f"Error converting data type {source.name} to {kind}.") from None
    if target.approximate:
        return float(number)
    scale = 4 if "money" in target.name else target.scale
    with localcontext() as context:
        context.prec = 80
        number = number.quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP)
    digits = {"money": 19, "smallmoney": 10}.get(target.name, target.precision)
    if abs(number) >= Decimal(10) ** (digits - scale):
        raise overflow(source.name, target.name)
    return number


def _in_range(number: int, source: SqlType, target: SqlType, text: str | None = None) -> int:
    low, high = RANGES[target.name]
    if low <= number <= high:
        return number
    if text is not None:
        number_ = {"int": 248, "bigint": 8115}.get(target.name, 244)
        kind = {"tinyint": "an INT1", "smallint": "an INT2"}.get(target.name, "an int")
        raise SqlError(number_, f"The conversion of the {source.name} value '{text}' overflowed {kind} column.")
    if target.name in ("tinyint", "smallint"):
        raise SqlError(220, f"Arithmetic overflow error for data type {target.name}, value = {number}.")
    raise overflow(source.name, target.name)


def conversion_failed(text: str, source: str, target: str) -> SqlError:
    """245."""
    return SqlError(245, f"Conversion failed when converting the {source} value '{text}' to data type {target}.")


def overflow(source: str, target: str) -> SqlError:
    """8115."""
    return SqlError(8115, f"Arithmetic overflow error converting {source} to data type {target}.")


def _not_allowed(source: SqlType, target: SqlType) -> SqlError:
    return SqlError(529, f"Explicit conversion from data type {source.name} to {target.name} is not allowed.")


def _quoted_name(type_: SqlType) -> str:
    name = {"char": "varchar", "nchar": "nvarchar", "text": "varchar", "ntext": "nvarchar"}.get(type_.name, type_.name)
    if name not in TYPE_IDS:
        name = "nvarchar"
    if name in ("decimal", "numeric"):
        name = f"{name}({type_.precision},{type_.scale})"
    if name in ("time", "datetime2", "datetimeoffset"):
        name = f"{name}({type_.scale})"
    return f"'{name}'"


def _bytes_of_number(sql: str, width: int) -> str:
    return f"unhex(right(lpad(hex(CAST({sql} AS BIGINT)), {2 * max(width, 8)}, '0'), {2 * width}))"


def _bytes_of_guid(sql: str) -> str:
    text = f"replace(CAST({sql} AS VARCHAR), '-', '')"
    pieces = [f"substr({text}, {start}, 2)" for start in (7, 5, 3, 1, 11, 9, 15, 13)]
    return f"unhex({' || '.join(pieces)} || substr({text}, 17))"


def _guid_of_bytes(sql: str) -> str:
    text = f"hex({sql})"
    pieces = [f"substr({text}, {start}, 2)" for start in (7, 5, 3, 1, 11, 9, 15, 13)]
    return f"CAST({' || '.join(pieces)} || substr({text}, 17) AS UUID)"
