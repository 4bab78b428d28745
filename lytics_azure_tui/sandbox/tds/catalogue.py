"""What a database knows of its objects: tables of its own beside the data, and the catalogue views over them.

DuckDB knows the tables too, but not that a column is a datetime2(3) or an identity. These tables are written in the
same transaction as the objects themselves.
"""

from __future__ import annotations

from dataclasses import dataclass

from lytics_azure_tui.sandbox.tds import types
from lytics_azure_tui.sandbox.tds.relations import Column, Relation
from lytics_azure_tui.sandbox.tds.types import BIGINT, BIT, DATETIME, INT, SMALLINT, SYSNAME, TINYINT, SqlType
from lytics_azure_tui.sandbox.tds.values import identifier, quoted

SCHEMA = "__catalogue"

CREATE = f"""
CREATE SCHEMA {SCHEMA};
CREATE SEQUENCE {SCHEMA}.object_ids START 1013578650 INCREMENT 16;
CREATE SEQUENCE {SCHEMA}.schema_ids START 5;
CREATE SEQUENCE {SCHEMA}.rowversions START 2001;
CREATE TABLE {SCHEMA}.schemas (schema_id INTEGER, name VARCHAR);
CREATE TABLE {SCHEMA}.objects (
  object_id INTEGER, name VARCHAR, schema_id INTEGER, type VARCHAR, parent_object_id INTEGER, created BIGINT,
  modified BIGINT, definition VARCHAR, sequence VARCHAR
);
CREATE TABLE {SCHEMA}.columns (
  object_id INTEGER, column_id INTEGER, name VARCHAR, type VARCHAR, length INTEGER, digits INTEGER, scale INTEGER,
  is_nullable BOOLEAN, is_identity BOOLEAN, seed BIGINT, step BIGINT, default_text VARCHAR, computed VARCHAR,
  system_type_id INTEGER, user_type_id INTEGER, max_length INTEGER, told_precision INTEGER, told_scale INTEGER,
  mask VARCHAR
);
CREATE TABLE {SCHEMA}.indexes (
  object_id INTEGER, index_id INTEGER, name VARCHAR, is_clustered BOOLEAN, is_unique BOOLEAN, is_primary BOOLEAN,
  is_constraint BOOLEAN
);
CREATE TABLE {SCHEMA}.index_columns (
  object_id INTEGER, index_id INTEGER, key_ordinal INTEGER, column_id INTEGER, is_descending BOOLEAN
);
CREATE TABLE {SCHEMA}.grants (user_name VARCHAR, permission VARCHAR, schema_name VARCHAR, object_name VARCHAR);
INSERT INTO {SCHEMA}.schemas VALUES
  (1, 'dbo'), (2, 'guest'), (3, 'INFORMATION_SCHEMA'), (4, 'sys');
CREATE SCHEMA dbo;
"""


@dataclass(frozen=True, slots=True)
class View:
    """A catalogue view.

    Attributes:
        sql: for DuckDB; {c} is the catalogue's schema, {visible} what the login may see of the objects `o`, {database}
            the database's name as a string, {databases} a list of rows.
        columns: what it gives.
    """

    sql: str
    columns: tuple[tuple[str, SqlType], ...]


def system_relation(schema: str, name: str, database: str, visible: str, databases: list[str]) -> Relation | None:
    """A catalogue view of a database.

    Args:
        visible: a condition over `o.schema_id`.
        databases: the names of all.
    """
    key = f"{schema.lower()}.{name.lower()}"
    view = _VIEWS.get(key)
    if view is None:
        return None
    rows = ", ".join(f"({quoted(one)}, {number})" for number, one in enumerate(databases, 1))
    sql = view.sql.format(
        c=f"{identifier(database)}.{SCHEMA}", visible=visible, database=quoted(database), databases=rows
    )
    columns = tuple(Column(column, type_) for column, type_ in view.columns)
    return Relation(schema, name, "system", columns, f"({sql})")


_TYPE_DESC = (
    "CASE o.type WHEN 'U' THEN 'USER_TABLE' WHEN 'V' THEN 'VIEW' WHEN 'PK' THEN 'PRIMARY_KEY_CONSTRAINT' "
    "WHEN 'UQ' THEN 'UNIQUE_CONSTRAINT' WHEN 'C' THEN 'CHECK_CONSTRAINT' WHEN 'F' THEN 'FOREIGN_KEY_CONSTRAINT' END"
)
_NO = BIT.maybe(False)
_NAME = SYSNAME.maybe(False)
_ID = INT.maybe(False)
_DESC = types.nvarchar(60)
_OBJECT_COLUMNS = (
    ("name", _NAME), ("object_id", _ID), ("principal_id", INT), ("schema_id", _ID), ("parent_object_id", _ID),
    ("type", types.SqlType("char", 2)), ("type_desc", _DESC), ("create_date", DATETIME.maybe(False)),
    ("modify_date", DATETIME.maybe(False)), ("is_ms_shipped", _NO), ("is_published", _NO),
    ("is_schema_published", _NO),
)  # fmt: skip
_OBJECT = f"""o.name, o.object_id, CAST(NULL AS INTEGER) AS principal_id, o.schema_id, o.parent_object_id,
  rpad(o.type, 2, ' ') AS type, {_TYPE_DESC} AS type_desc, o.created AS create_date, o.modified AS modify_date,
  false AS is_ms_shipped, false AS is_published, false AS is_schema_published"""

_COLUMN_COLUMNS = (
    ("object_id", _ID), ("name", SYSNAME), ("column_id", _ID), ("system_type_id", TINYINT.maybe(False)),
    ("user_type_id", _ID), ("max_length", SMALLINT.maybe(False)), ("precision", TINYINT.maybe(False)),
    ("scale", TINYINT.maybe(False)), ("collation_name", SYSNAME), ("is_nullable", BIT), ("is_ansi_padded", _NO),
    ("is_rowguidcol", _NO), ("is_identity", _NO), ("is_computed", _NO), ("is_filestream", _NO),
    ("is_replicated", BIT), ("is_xml_document", _NO), ("default_object_id", _ID), ("is_sparse", BIT),
    ("is_column_set", BIT), ("generated_always_type", TINYINT), ("is_hidden", _NO), ("is_masked", _NO),
    ("encryption_type", INT), ("graph_type", INT),
)  # fmt: skip
# Defaults have no row of their own among the objects: their numbers are made of those of table and column.
_DEFAULT_ID = "-1024 * (k.object_id % 1048576) - k.column_id"
_COLLATED = "('char', 'varchar', 'text', 'nchar', 'nvarchar', 'ntext', 'sysname')"
_COLUMNS = f"""SELECT k.object_id, k.name, k.column_id, CAST(k.system_type_id AS UTINYINT) AS system_type_id,
  k.user_type_id, CAST(k.max_length AS SMALLINT) AS max_length, CAST(k.told_precision AS UTINYINT) AS precision,
  CAST(k.told_scale AS UTINYINT) AS scale,
  CASE WHEN k.type IN {_COLLATED} THEN '{types.COLLATION_NAME}' END AS collation_name, k.is_nullable,
  true AS is_ansi_padded, false AS is_rowguidcol, k.is_identity, k.computed IS NOT NULL AS is_computed,
  false AS is_filestream, false AS is_replicated, false AS is_xml_document,
  CASE WHEN k.default_text IS NULL THEN 0 ELSE {_DEFAULT_ID} END AS default_object_id,
  false AS is_sparse, false AS is_column_set, CAST(0 AS UTINYINT) AS generated_always_type, false AS is_hidden,
  k.mask IS NOT NULL AS is_masked, CAST(NULL AS INTEGER) AS encryption_type, CAST(NULL AS INTEGER) AS graph_type
  FROM {{c}}.columns k JOIN {{c}}.objects o ON o.object_id = k.object_id WHERE {{visible}}"""

_SIZES = (
    "(SELECT s.schema_id, t.table_name, t.estimated_size AS size FROM duckdb_tables() t JOIN {c}.schemas s "
    "ON s.name = t.schema_name WHERE t.database_name = {database})"
)
# A heap has index 0, a table with a clustered key has index 1; other indexes come beside.
_STRUCTURES = """SELECT o.object_id, coalesce(any_value(i.index_id) FILTER (i.is_clustered), 0) AS index_id
  FROM {c}.objects o LEFT JOIN {c}.indexes i ON i.object_id = o.object_id WHERE o.type = 'U' AND {visible}
  GROUP BY o.object_id
  UNION ALL SELECT i.object_id, i.index_id FROM {c}.indexes i JOIN {c}.objects o ON o.object_id = i.object_id
  WHERE NOT i.is_clustered AND {visible}"""
_PARTS = f"""(SELECT x.object_id, x.index_id, coalesce(z.size, 0) AS size
  FROM ({_STRUCTURES}) x JOIN {{c}}.objects p ON p.object_id = x.object_id
  LEFT JOIN {_SIZES} z ON z.schema_id = p.schema_id AND z.table_name = p.name)"""

_TYPE_ROWS = ", ".join(
    f"('{name}', {system}, {user}, {one.max_length}, {one.told_precision}, {one.told_scale})"
    for name, (system, user) in types.TYPE_IDS.items()
    for one in [types.make(name, ["max" if name in types.SIZED else "38", "0"][: 1 if name in types.SIZED else 2]
                           if name in (*types.SIZED, "decimal", "numeric") else [])]
    if one is not None
)  # fmt: skip

_VIEWS: dict[str, View] = {
    "sys.schemas": View(
        "SELECT name, schema_id, 1 AS principal_id FROM {c}.schemas",
        (("name", _NAME), ("schema_id", _ID), ("principal_id", INT)),
    ),
    "sys.objects": View(f"SELECT {_OBJECT} FROM {{c}}.objects o WHERE {{visible}}", _OBJECT_COLUMNS),
    "sys.tables": View(
        f"""SELECT {_OBJECT}, CAST(0 AS INTEGER) AS lob_data_space_id, false AS is_replicated, false AS is_external,
        false AS is_memory_optimized, CAST(0 AS UTINYINT) AS temporal_type, 'NON_TEMPORAL_TABLE' AS temporal_type_desc,
        false AS is_node, false AS is_edge, false AS is_tracked_by_cdc
        FROM {{c}}.objects o WHERE o.type = 'U' AND {{visible}}""",
        (
            *_OBJECT_COLUMNS, ("lob_data_space_id", _ID), ("is_replicated", BIT), ("is_external", _NO),
            ("is_memory_optimized", BIT), ("temporal_type", TINYINT), ("temporal_type_desc", _DESC), ("is_node", _NO),
            ("is_edge", _NO), ("is_tracked_by_cdc", BIT),
        ),
    ),
    "sys.views": View(
        f"SELECT {_OBJECT}, false AS is_replicated, false AS with_check_option "
        "FROM {c}.objects o WHERE o.type = 'V' AND {visible}",
        (*_OBJECT_COLUMNS, ("is_replicated", BIT), ("with_check_option", _NO)),
    ),
    "sys.columns": View(_COLUMNS, _COLUMN_COLUMNS),
    "sys.types": View(
        "SELECT v.name, CAST(v.a AS UTINYINT) AS system_type_id, v.b AS user_type_id, 4 AS schema_id, "
        "CAST(v.m AS SMALLINT) AS max_length, CAST(v.p AS UTINYINT) AS precision, CAST(v.s AS UTINYINT) AS scale, "
        f"CASE WHEN v.name IN {_COLLATED} THEN '{types.COLLATION_NAME}' END AS collation_name, "
        "v.name <> 'sysname' AS is_nullable, false AS is_user_defined, false AS is_assembly_type, "
        f"false AS is_table_type FROM (VALUES {_TYPE_ROWS}) AS v(name, a, b, m, p, s)",
        (
            ("name", _NAME), ("system_type_id", TINYINT.maybe(False)), ("user_type_id", _ID), ("schema_id", _ID),
            ("max_length", SMALLINT.maybe(False)), ("precision", TINYINT.maybe(False)),
            ("scale", TINYINT.maybe(False)), ("collation_name", SYSNAME), ("is_nullable", BIT),
            ("is_user_defined", _NO), ("is_assembly_type", _NO), ("is_table_type", _NO),
        ),
    ),
    "sys.indexes": View(
        """SELECT o.object_id, CAST(NULL AS VARCHAR) AS name, 0 AS index_id, CAST(0 AS UTINYINT) AS type,
        'HEAP' AS type_desc, false AS is_unique, false AS is_primary_key, false AS is_unique_constraint,
        false AS has_filter, CAST(NULL AS VARCHAR) AS filter_definition
        FROM {c}.objects o WHERE o.type = 'U' AND {visible} AND NOT EXISTS (
          SELECT 1 FROM {c}.indexes i WHERE i.object_id = o.object_id AND i.is_clustered)
        UNION ALL SELECT i.object_id, i.name, i.index_id, CAST(CASE WHEN i.is_clustered THEN 1 ELSE 2 END AS UTINYINT),
        CASE WHEN i.is_clustered THEN 'CLUSTERED' ELSE 'NONCLUSTERED' END, i.is_unique, i.is_primary,
        i.is_constraint AND NOT i.is_primary, false, NULL
        FROM {c}.indexes i JOIN {c}.objects o ON o.object_id = i.object_id WHERE {visible}""",
        (
            ("object_id", _ID), ("name", SYSNAME), ("index_id", _ID), ("type", TINYINT.maybe(False)),
            ("type_desc", _DESC), ("is_unique", BIT), ("is_primary_key", BIT), ("is_unique_constraint", BIT),
            ("has_filter", BIT), ("filter_definition", types.nvarchar()),
        ),
    ),
    "sys.index_columns": View(
        """SELECT k.object_id, k.index_id, k.key_ordinal AS index_column_id, k.column_id,
        CAST(k.key_ordinal AS UTINYINT) AS key_ordinal, CAST(0 AS UTINYINT) AS partition_ordinal,
        k.is_descending AS is_descending_key, false AS is_included_column
        FROM {c}.index_columns k JOIN {c}.objects o ON o.object_id = k.object_id WHERE {visible}""",
        (
            ("object_id", _ID), ("index_id", _ID), ("index_column_id", _ID), ("column_id", _ID),
            ("key_ordinal", TINYINT.maybe(False)), ("partition_ordinal", TINYINT.maybe(False)),
            ("is_descending_key", BIT), ("is_included_column", BIT),
        ),
    ),
    "sys.key_constraints": View(
        f"""SELECT {_OBJECT}, i.index_id AS unique_index_id, false AS is_system_named, true AS is_enforced
        FROM {{c}}.objects o JOIN {{c}}.indexes i ON i.object_id = o.parent_object_id AND i.name = o.name
        WHERE o.type IN ('PK', 'UQ') AND {{visible}}""",
        (*_OBJECT_COLUMNS, ("unique_index_id", INT), ("is_system_named", _NO), ("is_enforced", BIT)),
    ),
    "sys.check_constraints": View(
        f"SELECT {_OBJECT}, o.definition FROM {{c}}.objects o WHERE o.type = 'C' AND {{visible}}",
        (*_OBJECT_COLUMNS, ("definition", types.nvarchar())),
    ),
    "sys.foreign_keys": View(
        f"SELECT {_OBJECT} FROM {{c}}.objects o WHERE o.type = 'F' AND {{visible}}", _OBJECT_COLUMNS
    ),
    "sys.partitions": View(
        f"""SELECT CAST(p.object_id AS BIGINT) * 65536 + p.index_id AS partition_id, p.object_id, p.index_id,
        1 AS partition_number, CAST(p.object_id AS BIGINT) * 65536 + p.index_id AS hobt_id,
        CAST(p.size AS BIGINT) AS rows, CAST(0 AS UTINYINT) AS data_compression,
        'NONE' AS data_compression_desc FROM {_PARTS} p""",
        (
            ("partition_id", BIGINT.maybe(False)), ("object_id", _ID), ("index_id", _ID), ("partition_number", _ID),
            ("hobt_id", BIGINT.maybe(False)), ("rows", BIGINT), ("data_compression", TINYINT.maybe(False)),
            ("data_compression_desc", _DESC),
        ),
    ),
    "sys.allocation_units": View(
        f"""SELECT CAST(p.object_id AS BIGINT) * 65536 + p.index_id AS allocation_unit_id, CAST(1 AS UTINYINT) AS type,
        'IN_ROW_DATA' AS type_desc, CAST(p.object_id AS BIGINT) * 65536 + p.index_id AS container_id,
        CAST(p.size // 80 // 8 * 8 + 9 AS BIGINT) AS total_pages, CAST(p.size // 80 + 2 AS BIGINT) AS used_pages,
        CAST(p.size // 80 + 1 AS BIGINT) AS data_pages FROM {_PARTS} p""",
        (
            ("allocation_unit_id", BIGINT.maybe(False)), ("type", TINYINT.maybe(False)), ("type_desc", _DESC),
            ("container_id", BIGINT.maybe(False)), ("total_pages", BIGINT.maybe(False)),
            ("used_pages", BIGINT.maybe(False)), ("data_pages", BIGINT.maybe(False)),
        ),
    ),
    "sys.dm_db_partition_stats": View(
        f"""SELECT CAST(p.object_id AS BIGINT) * 65536 + p.index_id AS partition_id, p.object_id, p.index_id,
        1 AS partition_number, CAST(p.size // 80 + 1 AS BIGINT) AS in_row_data_page_count,
        CAST(p.size // 80 + 2 AS BIGINT) AS used_page_count, CAST(p.size // 80 // 8 * 8 + 9 AS BIGINT)
        AS reserved_page_count, CAST(p.size AS BIGINT) AS row_count FROM {_PARTS} p""",
        (
            ("partition_id", BIGINT), ("object_id", _ID), ("index_id", _ID), ("partition_number", _ID),
            ("in_row_data_page_count", BIGINT), ("used_page_count", BIGINT), ("reserved_page_count", BIGINT),
            ("row_count", BIGINT),
        ),
    ),
    "sys.databases": View(
        f"""SELECT v.name, v.id AS database_id, CAST(NULL AS INTEGER) AS source_database_id,
        CAST(637134336000000000 AS BIGINT) AS create_date, CAST(170 AS UTINYINT) AS compatibility_level,
        '{types.COLLATION_NAME}' AS collation_name, CAST(0 AS UTINYINT) AS user_access,
        'MULTI_USER' AS user_access_desc, false AS is_read_only, CAST(0 AS UTINYINT) AS state, 'ONLINE' AS state_desc,
        CAST(1 AS UTINYINT) AS snapshot_isolation_state, 'ON' AS snapshot_isolation_state_desc,
        true AS is_read_committed_snapshot_on, CAST(1 AS UTINYINT) AS recovery_model, 'FULL' AS recovery_model_desc
        FROM (VALUES {{databases}}) AS v(name, id)""",
        (
            ("name", _NAME), ("database_id", _ID), ("source_database_id", INT), ("create_date", DATETIME),
            ("compatibility_level", TINYINT), ("collation_name", SYSNAME), ("user_access", TINYINT),
            ("user_access_desc", _DESC), ("is_read_only", BIT), ("state", TINYINT), ("state_desc", _DESC),
            ("snapshot_isolation_state", TINYINT), ("snapshot_isolation_state_desc", _DESC),
            ("is_read_committed_snapshot_on", BIT), ("recovery_model", TINYINT), ("recovery_model_desc", _DESC),
        ),
    ),
    "sys.sql_modules": View(
        "SELECT o.object_id, o.definition FROM {c}.objects o WHERE o.type = 'V' AND {visible}",
        (("object_id", _ID), ("definition", types.nvarchar())),
    ),
    "sys.default_constraints": View(
        f"""SELECT {_DEFAULT_ID} AS object_id, k.object_id AS parent_object_id,
        k.column_id AS parent_column_id, 'DF_' || o.name || '_' || k.name AS name,
        '(' || k.default_text || ')' AS definition, true AS is_system_named
        FROM {{c}}.columns k JOIN {{c}}.objects o ON o.object_id = k.object_id
        WHERE k.default_text IS NOT NULL AND {{visible}}""",
        (
            ("object_id", _ID), ("parent_object_id", _ID), ("parent_column_id", _ID), ("name", _NAME),
            ("definition", types.nvarchar()), ("is_system_named", BIT),
        ),
    ),
    "sys.identity_columns": View(
        """SELECT k.object_id, k.name, k.column_id, true AS is_identity, k.seed AS seed_value,
        k.step AS increment_value
        FROM {c}.columns k JOIN {c}.objects o ON o.object_id = k.object_id WHERE k.is_identity AND {visible}""",
        (
            ("object_id", _ID), ("name", SYSNAME), ("column_id", _ID), ("is_identity", BIT), ("seed_value", BIGINT),
            ("increment_value", BIGINT),
        ),
    ),
    "sys.computed_columns": View(
        """SELECT k.object_id, k.name, k.column_id, '(' || k.computed || ')' AS definition, false AS is_persisted
        FROM {c}.columns k JOIN {c}.objects o ON o.object_id = k.object_id
        WHERE k.computed IS NOT NULL AND {visible}""",
        (
            ("object_id", _ID), ("name", SYSNAME), ("column_id", _ID), ("definition", types.nvarchar()),
            ("is_persisted", _NO),
        ),
    ),
    "sys.change_tracking_tables": View(
        "SELECT 0 AS object_id, false AS is_track_columns_updated_on WHERE false",
        (("object_id", _ID), ("is_track_columns_updated_on", BIT)),
    ),
    "sys.extended_properties": View(
        "SELECT CAST(0 AS UTINYINT) AS class, 0 AS major_id, 0 AS minor_id, '' AS name, '' AS value WHERE false",
        (("class", TINYINT), ("major_id", _ID), ("minor_id", _ID), ("name", _NAME), ("value", types.nvarchar(4000))),
    ),
    "information_schema.tables": View(
        """SELECT {database} AS TABLE_CATALOG, s.name AS TABLE_SCHEMA, o.name AS TABLE_NAME,
        CASE o.type WHEN 'U' THEN 'BASE TABLE' ELSE 'VIEW' END AS TABLE_TYPE
        FROM {c}.objects o JOIN {c}.schemas s ON s.schema_id = o.schema_id WHERE o.type IN ('U', 'V') AND {visible}""",
        (
            ("TABLE_CATALOG", SYSNAME), ("TABLE_SCHEMA", SYSNAME), ("TABLE_NAME", _NAME),
            ("TABLE_TYPE", types.varchar(10)),
        ),
    ),
    "information_schema.referential_constraints": View(
        """SELECT {database} AS CONSTRAINT_CATALOG, s.name AS CONSTRAINT_SCHEMA, o.name AS CONSTRAINT_NAME,
        CAST(NULL AS VARCHAR) AS UNIQUE_CONSTRAINT_CATALOG, CAST(NULL AS VARCHAR) AS UNIQUE_CONSTRAINT_SCHEMA,
        CAST(NULL AS VARCHAR) AS UNIQUE_CONSTRAINT_NAME, 'SIMPLE' AS MATCH_OPTION, 'NO ACTION' AS UPDATE_RULE,
        'NO ACTION' AS DELETE_RULE
        FROM {c}.objects o JOIN {c}.schemas s ON s.schema_id = o.schema_id WHERE o.type = 'F' AND {visible}""",
        (
            ("CONSTRAINT_CATALOG", SYSNAME), ("CONSTRAINT_SCHEMA", SYSNAME), ("CONSTRAINT_NAME", _NAME),
            ("UNIQUE_CONSTRAINT_CATALOG", SYSNAME), ("UNIQUE_CONSTRAINT_SCHEMA", SYSNAME),
            ("UNIQUE_CONSTRAINT_NAME", SYSNAME), ("MATCH_OPTION", types.varchar(7)),
            ("UPDATE_RULE", types.varchar(11)), ("DELETE_RULE", types.varchar(11)),
        ),
    ),
    "information_schema.views": View(
        """SELECT {database} AS TABLE_CATALOG, s.name AS TABLE_SCHEMA, o.name AS TABLE_NAME,
        o.definition AS VIEW_DEFINITION FROM {c}.objects o JOIN {c}.schemas s ON s.schema_id = o.schema_id
        WHERE o.type = 'V' AND {visible}""",
        (
            ("TABLE_CATALOG", SYSNAME), ("TABLE_SCHEMA", SYSNAME), ("TABLE_NAME", _NAME),
            ("VIEW_DEFINITION", types.nvarchar(4000)),
        ),
    ),
    "information_schema.schemata": View(
        "SELECT {database} AS CATALOG_NAME, name AS SCHEMA_NAME, 'dbo' AS SCHEMA_OWNER FROM {c}.schemas",
        (("CATALOG_NAME", SYSNAME), ("SCHEMA_NAME", _NAME), ("SCHEMA_OWNER", SYSNAME)),
    ),
    "information_schema.columns": View(
        f"""SELECT {{database}} AS TABLE_CATALOG, s.name AS TABLE_SCHEMA, o.name AS TABLE_NAME, k.name AS COLUMN_NAME,
        k.column_id AS ORDINAL_POSITION, k.default_text AS COLUMN_DEFAULT,
        CASE WHEN k.is_nullable THEN 'YES' ELSE 'NO' END AS IS_NULLABLE, k.type AS DATA_TYPE,
        CASE WHEN k.type IN {_COLLATED} OR k.type IN ('binary', 'varbinary', 'image', 'xml') THEN
          CASE WHEN k.type IN ('text', 'image') THEN 2147483647 WHEN k.type = 'ntext' THEN 1073741823 ELSE k.length END
        END AS CHARACTER_MAXIMUM_LENGTH,
        CASE WHEN k.type IN ('tinyint', 'smallint', 'int', 'bigint', 'decimal', 'numeric', 'money', 'smallmoney',
          'float', 'real') THEN CAST(k.told_precision AS UTINYINT) END AS NUMERIC_PRECISION,
        CASE WHEN k.type IN ('tinyint', 'smallint', 'int', 'bigint', 'decimal', 'numeric', 'money', 'smallmoney')
          THEN k.told_scale END AS NUMERIC_SCALE,
        CASE WHEN k.type IN ('date', 'time', 'datetime', 'datetime2', 'datetimeoffset', 'smalldatetime')
          THEN CAST(k.told_scale AS SMALLINT) END AS DATETIME_PRECISION,
        CASE WHEN k.type IN {_COLLATED} THEN '{types.COLLATION_NAME}' END AS COLLATION_NAME
        FROM {{c}}.columns k JOIN {{c}}.objects o ON o.object_id = k.object_id
        JOIN {{c}}.schemas s ON s.schema_id = o.schema_id WHERE {{visible}}""",
        (
            ("TABLE_CATALOG", SYSNAME), ("TABLE_SCHEMA", SYSNAME), ("TABLE_NAME", _NAME), ("COLUMN_NAME", SYSNAME),
            ("ORDINAL_POSITION", INT), ("COLUMN_DEFAULT", types.nvarchar(4000)), ("IS_NULLABLE", types.varchar(3)),
            ("DATA_TYPE", SYSNAME), ("CHARACTER_MAXIMUM_LENGTH", INT), ("NUMERIC_PRECISION", TINYINT),
            ("NUMERIC_SCALE", INT), ("DATETIME_PRECISION", SMALLINT), ("COLLATION_NAME", SYSNAME),
        ),
    ),
    "information_schema.table_constraints": View(
        """SELECT {database} AS CONSTRAINT_CATALOG, s.name AS CONSTRAINT_SCHEMA, o.name AS CONSTRAINT_NAME,
        {database} AS TABLE_CATALOG, s.name AS TABLE_SCHEMA, t.name AS TABLE_NAME,
        CASE o.type WHEN 'PK' THEN 'PRIMARY KEY' WHEN 'UQ' THEN 'UNIQUE' WHEN 'F' THEN 'FOREIGN KEY' ELSE 'CHECK' END
        AS CONSTRAINT_TYPE
        FROM {c}.objects o JOIN {c}.objects t ON t.object_id = o.parent_object_id
        JOIN {c}.schemas s ON s.schema_id = o.schema_id WHERE o.type IN ('PK', 'UQ', 'C', 'F') AND {visible}""",
        (
            ("CONSTRAINT_CATALOG", SYSNAME), ("CONSTRAINT_SCHEMA", SYSNAME), ("CONSTRAINT_NAME", _NAME),
            ("TABLE_CATALOG", SYSNAME), ("TABLE_SCHEMA", SYSNAME), ("TABLE_NAME", SYSNAME),
            ("CONSTRAINT_TYPE", types.varchar(11)),
        ),
    ),
    "information_schema.key_column_usage": View(
        """SELECT {database} AS CONSTRAINT_CATALOG, s.name AS CONSTRAINT_SCHEMA, i.name AS CONSTRAINT_NAME,
        {database} AS TABLE_CATALOG, s.name AS TABLE_SCHEMA, o.name AS TABLE_NAME, k.name AS COLUMN_NAME,
        x.key_ordinal AS ORDINAL_POSITION
        FROM {c}.indexes i JOIN {c}.index_columns x ON x.object_id = i.object_id AND x.index_id = i.index_id
        JOIN {c}.columns k ON k.object_id = x.object_id AND k.column_id = x.column_id
        JOIN {c}.objects o ON o.object_id = i.object_id JOIN {c}.schemas s ON s.schema_id = o.schema_id
        WHERE i.is_constraint AND {visible}""",
        (
            ("CONSTRAINT_CATALOG", SYSNAME), ("CONSTRAINT_SCHEMA", SYSNAME), ("CONSTRAINT_NAME", _NAME),
            ("TABLE_CATALOG", SYSNAME), ("TABLE_SCHEMA", SYSNAME), ("TABLE_NAME", SYSNAME), ("COLUMN_NAME", SYSNAME),
            ("ORDINAL_POSITION", INT),
        ),
    ),
}  # fmt: skip
_VIEWS["sys.all_objects"] = _VIEWS["sys.objects"]
_VIEWS["sys.all_columns"] = _VIEWS["sys.columns"]
_VIEWS["sys.all_views"] = _VIEWS["sys.views"]
