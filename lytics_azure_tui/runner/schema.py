"""The ledger's tables, and how a file of an older version is brought to this one."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from lytics_azure_tui.errors import Fatal

_FIRST = """
CREATE TABLE runs (
  id TEXT PRIMARY KEY,
  job TEXT NOT NULL,
  label TEXT NOT NULL,
  workflow TEXT NOT NULL,
  trigger TEXT NOT NULL,
  state TEXT NOT NULL,
  spec TEXT NOT NULL,
  created TEXT NOT NULL,
  started TEXT,
  ended TEXT,
  claimed TEXT,
  pid INTEGER,
  born TEXT NOT NULL DEFAULT '',
  attempt INTEGER NOT NULL DEFAULT 0,
  retry_at TEXT,
  failures INTEGER NOT NULL DEFAULT 0,
  failing_since TEXT,
  deaths INTEGER NOT NULL DEFAULT 0,
  starts_over INTEGER NOT NULL DEFAULT 0,
  cancel_requested_at TEXT,
  committing INTEGER NOT NULL DEFAULT 0,
  rows INTEGER NOT NULL DEFAULT 0,
  rejected INTEGER NOT NULL DEFAULT 0,
  bytes INTEGER NOT NULL DEFAULT 0,
  about TEXT NOT NULL DEFAULT '',
  counts TEXT NOT NULL DEFAULT '{}',
  error TEXT NOT NULL DEFAULT '',
  replay_of TEXT,
  replayed_by TEXT
);
CREATE UNIQUE INDEX one_active_run_of_a_job ON runs (job) WHERE state IN ('queued', 'running', 'retrying');
CREATE INDEX runs_by_time ON runs (created, id);
CREATE INDEX runs_of_a_job ON runs (job, created, id);
CREATE TABLE progress (
  run TEXT PRIMARY KEY,
  at TEXT NOT NULL,
  stage TEXT NOT NULL,
  bytes_done INTEGER NOT NULL,
  bytes_total INTEGER,
  rows INTEGER NOT NULL,
  rejected INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE plans (run TEXT PRIMARY KEY, plan TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE parts (
  run TEXT NOT NULL, part INTEGER NOT NULL, result TEXT NOT NULL, PRIMARY KEY (run, part)
) WITHOUT ROWID;
CREATE TABLE quarantine (
  run TEXT NOT NULL, part INTEGER NOT NULL, path TEXT NOT NULL, PRIMARY KEY (run, part)
) WITHOUT ROWID;
CREATE TABLE logs (
  run TEXT NOT NULL, seq INTEGER NOT NULL, at TEXT NOT NULL, level TEXT NOT NULL, text TEXT NOT NULL,
  PRIMARY KEY (run, seq)
) WITHOUT ROWID;
CREATE TABLE jobs (
  id TEXT PRIMARY KEY, checkpoint TEXT, next_due TEXT, stopped TEXT, anchor TEXT, last_end TEXT
) WITHOUT ROWID;
"""

MIGRATIONS = (_FIRST,)
"""The n-th brings a file of version n to version n + 1; the file keeps its version in `PRAGMA user_version`."""


def migrate(database: sqlite3.Connection, path: Path) -> None:
    """Makes the tables, or brings them to this version. Raises `Fatal` when a newer program wrote the file."""
    if _version(database) == len(MIGRATIONS):
        return
    database.execute("BEGIN IMMEDIATE")
    try:
        version = _version(database)
        if version > len(MIGRATIONS):
            raise Fatal(
                f"The ledger {path} was written by a newer version of this program",
                why=f"It has version {version}, and this program knows versions up to {len(MIGRATIONS)}",
                fix="Update lyazure-tui",
            )
        for statements in MIGRATIONS[version:]:
            for statement in statements.split(";"):
                database.execute(statement)
        database.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
        database.execute("COMMIT")
    finally:
        if database.in_transaction:
            database.execute("ROLLBACK")


def _version(database: sqlite3.Connection) -> int:
    return int(database.execute("PRAGMA user_version").fetchone()[0])
