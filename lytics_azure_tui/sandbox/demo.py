"""The demo: the whole program on a storage account, a database and an event hub of its own, in a folder of its own.

Everything that a demo makes lies in one folder below the cache and goes when it ends: the configuration, the streams,
the secrets (encrypted, with a passphrase that nobody ever sees) and copies of the sample data, which is generated once.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from types import FrameType

from lytics_azure_tui.azure.upload import Uploader
from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.config.keys import VARIABLE
from lytics_azure_tui.config.secrets import open_store, save
from lytics_azure_tui.config.settings import Secrets, Settings
from lytics_azure_tui.errors import BadConfiguration, LyazureError
from lytics_azure_tui.model.audience_csv import AudienceCsv
from lytics_azure_tui.model.authorization import AzureEventHub, AzureSql, AzureStorage
from lytics_azure_tui.model.csv_import import CsvImport
from lytics_azure_tui.model.event_export import EventExport
from lytics_azure_tui.model.job import Job, JobConfig
from lytics_azure_tui.model.sql_import import SqlImport
from lytics_azure_tui.runner.service import stop_runner
from lytics_azure_tui.sandbox import sample_data, sample_definitions, sample_tables
from lytics_azure_tui.sandbox.azurite import Azurite
from lytics_azure_tui.sandbox.cache import cache_folder, locked, make_once
from lytics_azure_tui.sandbox.event_hub import EventHubServer
from lytics_azure_tui.sandbox.tds import SqlServer
from lytics_azure_tui.tui.desk import DEMO

STORAGE, DATABASE, HUB = "demo-storage", "demo-database", "demo-event-hub"
SAVED_IMPORTS = ("Daily customers", "Orders")
END_SECONDS = 20.0
FAILED = 1


def run_demo(interactive: bool) -> int:
    """Sets the demo up, and opens the screens on it.

    Args:
        interactive: whether there is a terminal; without one two saved imports are run, and what they did is printed.

    Returns:
        The exit status, by the rules of the command line.

    Raises:
        LyazureError: it cannot be set up.
    """
    if not all(find_spec(name) for name in ("numpy", "proton")):
        raise BadConfiguration(
            "The demo needs more than the program itself", fix="Install it with its extra: pipx install '.[sandbox]'"
        )
    with demo() as folder:
        code = run_program(folder) if interactive else _run_saved(folder)
        if code == FAILED:
            _keep_logs(folder)
    say("The demo has ended, and with it everything that it had started.")
    return code


@contextmanager
def demo() -> Iterator[Folder]:
    """The configuration folder of a demo, whose storage account, database and hub live as long as the context."""
    with _ended_by_signals(), _own_folder() as home, _own_passphrase():
        files = Path(shutil.copytree(sample_files(), home / "storage"))
        tables = Path(shutil.copytree(sample_database(), home / "database"))
        with Azurite(files, say=say) as azurite, SqlServer(tables) as server, EventHubServer(home / "hubs") as hubs:
            folder = configure(home / "config", azurite, server, hubs)
            try:
                yield folder
            finally:
                stop_runner(folder)


def say(words: str) -> None:
    """A line about what takes long, where it does not mix with data."""
    print(words, file=sys.stderr, flush=True)  # noqa: T201 -- before there is a screen


def configure(root: Path, azurite: Azurite, server: SqlServer, hubs: EventHubServer) -> Folder:
    """Writes the demo's configuration: an authorization for each service, saved jobs, mappings and audiences."""
    folder = Folder.open(root)
    folder.save_settings(Settings(secrets=Secrets(backend="file")))
    store = open_store(folder)
    save(
        folder,
        store,
        AzureStorage(
            id=STORAGE,
            label="Demo storage",
            description="Azurite on this machine, filled with generated data.",
            connection_string=azurite.connection_string,
        ),
    )
    save(
        folder,
        store,
        AzureSql(
            id=DATABASE,
            label="Demo database",
            description="A stand-in for Azure SQL Database on this machine, with generated tables.",
            server=server.host,
            port=server.port,
            database=server.database,
            user=server.user,
            password=server.password,
            ca_file=str(server.ca_file),
        ),
    )
    save(
        folder,
        store,
        AzureEventHub(
            id=HUB,
            label="Demo event hub",
            description="A stand-in for Event Hubs on this machine, empty at first.",
            connection_string=hubs.connection_string,
            hub=hubs.hub,
        ),
    )
    for job in saved_jobs():
        folder.save_job(job)
    sample_definitions.write(folder)
    return folder


def saved_jobs() -> tuple[Job, ...]:
    """Imports: a sequence of daily dumps, a million rows, rows that cannot be used, two tables. And two exports."""
    return (
        _job(
            "daily-customers",
            "Daily customers",
            "Full dumps of all customers; only what is new or changed is imported.",
            CsvImport(
                stream="customers",
                container="crm",
                filename=sample_data.CUSTOMERS.format(day=sample_data.FIRST_DAY),
                timestamp_field="updated_at",
                continuous_update=True,
                diff=True,
                time_of_day="06:00",
                timezone="Europe/Berlin",
            ),
        ),
        _job(
            "web-events",
            "Web events",
            "A million rows, to watch a run at work.",
            CsvImport(
                stream="web_events", container="web", filename=sample_data.WEB_EVENTS, timestamp_field="event_time"
            ),
        ),
        _job(
            "legacy-contacts",
            "Legacy contacts",
            "An old system's export: some of its rows end in quarantine.",
            CsvImport(stream="contacts", container="crm", filename=sample_data.RAGGED, timestamp_field="last_contact"),
        ),
        _job(
            "orders",
            "Orders",
            "A table that goes on: each run takes what is new.",
            SqlImport(source="sales.orders", timestamp_field="created_at", stream="orders", continuous_update=True),
        ),
        _job(
            "web-activity",
            "Web activity",
            "A table of a million rows.",
            SqlImport(source="web.activity", timestamp_field="occurred_at"),
        ),
        _job(
            "events-archive",
            "Events archive",
            "All events of all streams, in one file.",
            EventExport(container="web", compress="gzip", filename="archive/events-{TIMESTAMP}", manifest="always"),
        ),
        _job(
            "big-spenders",
            "Big spenders",
            "The members of an audience.",
            AudienceCsv(
                segment_id="big_spenders", container="crm", file_prefix="audiences/big-spenders-", backfill_only=True
            ),
        ),
    )


def _job(id: str, label: str, description: str, config: JobConfig) -> Job:
    return Job(
        id=id,
        label=label,
        description=description,
        workflow=config.workflow,
        authorization=STORAGE if AzureStorage.method in config.methods else DATABASE,
        config=config,
    )


def sample_files() -> Path:
    """The folder of a storage account with all of the sample data in it; generated once."""
    return make_once(cache_folder() / f"samples-{sample_data.VERSION}", generate)


def sample_database() -> Path:
    """The folder of a database server with the sample tables in it; generated once."""
    return make_once(cache_folder() / f"tables-{sample_tables.VERSION}", generate_tables)


def generate_tables(folder: Path) -> None:
    """Makes a database server's folder with the sample tables in it."""
    say("Generating the sample tables, once…")
    with SqlServer(folder) as server:
        sample_tables.fill(server, say)


def generate(folder: Path) -> None:
    """Makes a storage account's folder with all of the sample data in it."""
    with Azurite(folder, say=say) as azurite, Uploader(azurite.connection) as uploader:
        sample_data.fill(uploader, say)


def run_program(folder: Folder, *options: str) -> int:
    """Runs the program on the demo's folder, as a person would, and gives its exit status.

    It is a process of its own: the screens end their process at once when the terminal is lost, and what the demo has
    started must be ended after that.
    """
    command = [sys.executable, "-m", "lytics_azure_tui", "--config", str(folder.root), *options]
    with subprocess.Popen(command, env={**os.environ, DEMO: "1"}) as program:
        try:
            return program.wait()
        except BaseException:
            program.terminate()
            try:
                program.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                program.kill()
            raise


def _run_saved(folder: Folder) -> int:
    """Runs saved imports as cron would, and lists what came of it."""
    code = run_program(folder, "--run-saved", *SAVED_IMPORTS)
    run_program(folder, "--list")
    return code


def _keep_logs(folder: Folder) -> None:
    """Puts what was written down about a failure where it outlives the demo."""
    kept = cache_folder() / "demo-logs"
    shutil.rmtree(kept, ignore_errors=True)
    kept.mkdir(mode=0o700)
    for log in [*folder.data.glob("*.log"), *folder.data.glob("logs/*.log")]:
        shutil.copy(log, kept)
    say(f"The demo's folder is gone now; its logs are in {kept}")


@contextmanager
def _own_folder() -> Iterator[Path]:
    """A folder for this demo alone; gone afterwards. Those of demos that were killed are cleared away, too."""
    demos = cache_folder() / "demos"
    demos.mkdir(exist_ok=True)
    with ExitStack() as held:
        with locked(demos / "lock"):
            for left in demos.glob("demo-*"):
                _clear_away(left)
            home = Path(tempfile.mkdtemp(prefix="demo-", dir=demos))
            held.enter_context(locked(home / "lock"))
        try:
            yield home
        finally:
            shutil.rmtree(home, ignore_errors=True)


def _clear_away(left: Path) -> None:
    with locked(left / "lock", wait=False) as abandoned:
        if abandoned:
            with suppress(LyazureError):
                stop_runner(Folder(left / "config"))
            shutil.rmtree(left, ignore_errors=True)


@contextmanager
def _own_passphrase() -> Iterator[None]:
    """A passphrase for the demo's secrets, for this process and those that it starts."""
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = secrets.token_urlsafe(32)
    try:
        yield
    finally:
        del os.environ[VARIABLE]
        if before is not None:
            os.environ[VARIABLE] = before


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Makes a lost terminal and a polite kill end the demo as Ctrl+C does: in order."""

    def end(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
