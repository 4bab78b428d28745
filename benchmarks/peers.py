"""sling and dlt doing the same loads: each in an environment of its own, made in the cache folder when needed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from measuring import Failed, Taken, last_words, run

from lytics_azure_tui.sandbox.cache import cache_folder, make_once
from lytics_azure_tui.sandbox.tds import SqlServer

# sling's own package fetches its program from a web site; this one carries it.
SLING = ("sling-linux-amd64==1.4.11",)
DLT = ("dlt[filesystem,az,parquet,duckdb]==1.31.0", "adlfs")
DLT_SQL = ("dlt[filesystem,parquet,sql_database]==1.31.0", "sqlalchemy", "pymssql")


@dataclass(frozen=True, slots=True)
class Target:
    """What becomes local Parquet.

    Attributes:
        folder: of this load alone.
    """

    folder: Path

    @property
    def written(self) -> str:
        """Matches all Parquet files that come of it."""
        return str(self.folder / "out" / "**" / "*.parquet")

    def environment(self, **more: str) -> dict[str, str]:
        """Of its process: nothing of this user's, and a home that goes with the folder."""
        home = self.folder / "home"
        home.mkdir(parents=True, exist_ok=True)
        return {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", **more}


@dataclass(frozen=True, slots=True)
class Load(Target):
    """A CSV blob.

    Attributes:
        account, secret: of the storage account; the secret is its connection string.
    """

    account: str
    secret: str
    container: str
    blob: str


@dataclass(frozen=True, slots=True)
class TableLoad(Target):
    """A table of the sandbox's SQL server."""

    server: SqlServer
    table: str


def sling(load: Load) -> Taken:
    """By `sling run`. Raises `Failed`.

    Parquet is written by sling itself. By default it has a DuckDB program do that, which it fetches from a web site;
    with the ones on PyPI, newer than it was made for, the file has a part of the rows, and comes no sooner.
    """
    account = {"type": "azure", "account": load.account, "container": load.container, "conn_str": load.secret}
    return _sling(load, account, load.blob)


def sling_table(load: TableLoad) -> Taken:
    """The same from a table. Raises `Failed`."""
    server = load.server
    database = {
        "type": "sqlserver", "host": server.host, "port": server.port, "user": server.user,
        "password": server.password.reveal(), "database": server.database, "encrypt": "true",
        "certificate": str(server.ca_file),
    }  # fmt: skip
    return _sling(load, database, load.table)


def _sling(load: Target, connection: dict[str, object], stream: str) -> Taken:
    folder = _environment("sling", SLING)
    packages = next((folder / "lib").glob("python*/site-packages"))
    environment = load.environment(
        SOURCE=json.dumps(connection),
        SLING_HOME_DIR=str(load.folder / "home"),
        SLING_DISABLE_TELEMETRY="TRUE",
        SLING_DUCKDB_COMPUTE="false",
    )
    target = load.folder / "out"
    target.mkdir()
    command = [str(packages / "sling_linux_amd64" / "bin" / "sling-linux-amd64"), "run"]
    command += ["--src-conn", "SOURCE", "--src-stream", stream, "--tgt-object", f"file://{target}/out.parquet"]
    return run(command, environment, str(load.folder))[0]


def dlt(load: Load) -> Taken:
    """By dlt's filesystem source and destination, with peer_dlt.py. Raises `Failed`."""
    folder = _environment("dlt", DLT)
    environment = load.environment(AZURE=load.secret, RUNTIME__DLTHUB_TELEMETRY="false")
    script = Path(__file__).with_name("peer_dlt.py")
    command = [str(folder / "bin" / "python"), str(script), load.container, load.blob, str(load.folder)]
    return run(command, environment, str(load.folder))[0]


def dlt_table(load: TableLoad) -> Taken:
    """By dlt's source of SQL databases with Arrow, over pymssql and FreeTDS, with peer_dlt_sql.py. Raises `Failed`."""
    folder = _environment("dlt-sql", DLT_SQL)
    server = load.server
    settings = load.folder / "freetds.conf"
    settings.write_text(f"[global]\ntds version = 7.4\nencryption = require\nca file = {server.ca_file}\n")
    environment = load.environment(RUNTIME__DLTHUB_TELEMETRY="false", FREETDSCONF=str(settings))
    given = {
        "host": server.host, "port": server.port, "user": server.user, "password": server.password.reveal(),
        "database": server.database, "table": load.table, "folder": str(load.folder),
    }  # fmt: skip
    script = Path(__file__).with_name("peer_dlt_sql.py")
    command = [str(folder / "bin" / "python"), str(script)]
    return run(command, environment, str(load.folder), given=json.dumps(given))[0]


def _environment(name: str, packages: tuple[str, ...]) -> Path:
    def make(folder: Path) -> None:
        print(f"Installing {name}, once…", flush=True)
        _quiet([sys.executable, "-m", "venv", str(folder)])
        _quiet([str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", *packages])

    parent = cache_folder() / "benchmarks"
    parent.mkdir(exist_ok=True)
    return make_once(parent / f"{name}-environment", make)


def _quiet(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failed(f"it cannot be installed: {last_words(done.stderr)}")
