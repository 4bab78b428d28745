"""A configuration folder: what is saved comes back, what is wrong is named by file, line and key."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.config.settings import Engine, Secrets, Settings, size
from lytics_azure_tui.errors import BadConfiguration
from lytics_azure_tui.model.authorization import AzureEventHub, AzureSql, AzureStorage
from lytics_azure_tui.model.csv_import import CsvImport
from lytics_azure_tui.model.job import Job
from lytics_azure_tui.model.secret import Secret

STORAGE = AzureStorage(
    id="storage", label="Storage", description="Ask Ada", pgppublickey="-----BEGIN\n\nabc\n-----END\n"
)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder.open(tmp_path / "configuration")


def job(id: str = "orders", **values: Any) -> Job:
    config = {"stream": "orders", "container": "sales", "filename": "orders_20261101.csv", **values}
    return Job(id=id, label=id.title(), workflow="AzureCsvImport", authorization="storage", config=CsvImport(**config))


def write(folder: Folder, name: str, text: str) -> Path:
    path = folder.root / name
    path.write_text(text)
    path.chmod(0o600)
    return path


def problems(folder: Folder) -> list[str]:
    return [str(problem) for problem in folder.problems()]


# Opening


def test_a_new_folder_is_its_owner_s_alone(folder: Folder) -> None:
    assert [path.stat().st_mode & 0o777 for path in (folder.root, folder.jobs_dir, folder.authorizations_dir)] == [
        0o700
    ] * 3
    assert folder.warnings() == ()
    assert (folder.jobs(), folder.authorizations(), folder.problems()) == ([], [], [])
    assert folder.settings() == Settings()


def test_without_a_name_it_is_the_system_s_own_place(own_home: Path) -> None:
    folder = Folder.open()
    assert folder.default
    assert own_home in folder.root.parents
    assert own_home in folder.data.parents
    assert folder.data != folder.root
    assert Folder.open(folder.root) == folder


def test_a_named_folder_keeps_its_data_inside(folder: Folder) -> None:
    assert not folder.default
    assert folder.data == folder.root / "data"
    assert folder.data.stat().st_mode & 0o777 == 0o700


def test_data_may_lie_elsewhere(folder: Folder, tmp_path: Path) -> None:
    write(folder, "settings.toml", f"[storage]\nfolder = {json.dumps(f'{tmp_path}/large disk')}\n")
    assert folder.data == tmp_path / "large disk"
    assert folder.data.is_dir()


def test_a_file_in_the_folder_s_place_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(BadConfiguration, match=r"cannot be made\. A file is in its place"):
            Folder.open(path)


def test_what_others_can_read_is_said(folder: Folder) -> None:
    folder.save_authorization(STORAGE)
    folder.jobs_dir.chmod(0o755)
    path = folder.authorizations_dir / "storage.toml"
    path.chmod(0o644)
    assert len(folder.warnings()) == 2
    assert f"chmod 0700 '{folder.jobs_dir}'" in folder.warnings()[0]
    assert f"chmod 0600 '{path}'" in folder.warnings()[1]


# Saving


def test_a_job_comes_back_as_it_was_saved(folder: Folder) -> None:
    saved = job(
        continuous_update=True, fields=["id", "total"], delimiter="t", time_of_day="02:30", timezone="Europe/Berlin"
    )
    folder.save_job(saved)
    assert folder.job("orders") == saved
    assert folder.jobs() == [saved]
    path = folder.jobs_dir / "orders.toml"
    assert path.stat().st_mode & 0o777 == 0o600
    assert tomllib.loads(path.read_text()) == {
        "label": "Orders",
        "workflow": "AzureCsvImport",
        "authorization": "storage",
        "config": {
            "stream": "orders",
            "container": "sales",
            "filename": "orders_20261101.csv",
            "delimiter": "t",
            "fields": ["id", "total"],
            "continuous_update": True,
            "time_of_day": "02:30",
            "timezone": "Europe/Berlin",
        },
    }


def test_an_edit_keeps_a_person_s_comments(folder: Folder) -> None:
    folder.save_job(job())
    path = folder.jobs_dir / "orders.toml"
    path.write_text(path.read_text().replace('stream = "orders"', "stream = 'orders'  # agreed with Ada"))
    folder.save_job(job(stream="orders_new"))
    assert "stream = 'orders_new'  # agreed with Ada" in path.read_text()
    assert folder.job("orders").config == job(stream="orders_new").config


def test_saving_what_is_there_touches_nothing(folder: Folder) -> None:
    folder.save_job(job())
    path = folder.jobs_dir / "orders.toml"
    before = path.stat()
    folder.save_job(folder.job("orders"))
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_cleared_answer_leaves_the_file(folder: Folder) -> None:
    folder.save_job(job(timestamp_field="at"))
    folder.save_job(job(timestamp_field=None))
    assert "timestamp_field" not in (folder.jobs_dir / "orders.toml").read_text()


@pytest.mark.parametrize(
    "authorization",
    [
        STORAGE,
        AzureEventHub(id="hub", label="Hub"),
        AzureSql(id="sql", label="SQL", server="contoso.database.windows.net", database="crm", user="reader"),
    ],
)
def test_an_authorization_comes_back_without_its_secrets(
    folder: Folder, authorization: AzureStorage | AzureEventHub | AzureSql
) -> None:
    field, *_ = authorization.secret_fields()
    folder.save_authorization(authorization.model_copy(update={field: Secret("open-sesame-1001")}))
    assert folder.authorization(authorization.id) == authorization
    assert folder.authorizations() == [authorization]
    assert b"open-sesame" not in b"".join(path.read_bytes() for path in folder.root.rglob("*") if path.is_file())


def test_a_pgp_key_is_written_as_it_was_pasted(folder: Folder) -> None:
    folder.save_authorization(STORAGE)
    text = (folder.authorizations_dir / "storage.toml").read_text()
    assert 'pgppublickey = """\n-----BEGIN\n\nabc\n-----END\n"""\n' in text


@pytest.mark.parametrize(
    "description",
    [
        "the string is DefaultEndpointsProtocol=https;AccountName=a;AccountKey=c2VjcmV0c2VjcmV0",
        "?sv=2024&sig=abcdefgh12345678",
        "-----BEGIN PGP PRIVATE KEY BLOCK-----",
        "my password: open-sesame-1001",
    ],
)
def test_a_secret_in_the_wrong_field_is_not_written(folder: Folder, description: str) -> None:
    secret = Secret("open-sesame-1001")
    with pytest.raises(BadConfiguration, match="The value of description holds a secret") as caught:
        folder.save_authorization(STORAGE.model_copy(update={"description": description, "connection_string": secret}))
    assert description not in str(caught.value)
    assert folder.authorizations() == []


def test_a_secret_in_a_job_is_not_written(folder: Folder) -> None:
    with pytest.raises(BadConfiguration, match=r"The value of config\.filename holds a secret"):
        folder.save_job(job(filename="a.csv?sv=2024&sig=abcdefgh12345678"))
    assert folder.jobs() == []


def test_settings_come_back(folder: Folder) -> None:
    settings = Settings(engine=Engine(runs_at_once=4), secrets=Secrets(backend="command", command=["pass", "{owner}"]))
    folder.save_settings(settings)
    assert folder.settings() == settings
    assert (folder.root / "settings.toml").read_text().count("=") == 3


def test_ids_are_made_of_labels(folder: Folder) -> None:
    assert folder.new_id("Orders, nightly!", []) == "orders-nightly"
    assert folder.new_id("Orders", ["orders", "orders-2"]) == "orders-3"
    assert folder.new_id("注文", []) == "job"
    write(folder, "jobs/orders.toml", "half a file =")
    assert folder.new_id("Orders", []) == "orders-2"


# Deleting


def test_an_authorization_stays_while_a_job_uses_it(folder: Folder) -> None:
    folder.save_authorization(STORAGE)
    folder.save_job(job())
    write(folder, "jobs/broken.toml", 'authorization = "storage"\n')
    with pytest.raises(BadConfiguration, match=r"used by jobs/broken\.toml and Orders"):
        folder.delete_authorization("storage")
    folder.delete_job("orders")
    folder.delete_job("broken")
    folder.delete_authorization("storage")
    assert (folder.jobs(), folder.authorizations()) == ([], [])


@pytest.mark.parametrize("name", ["nothing", "../settings", "", "/etc/passwd"])
def test_what_is_not_there_cannot_be_read_or_deleted(folder: Folder, name: str) -> None:
    write(folder, "settings.toml", "")
    for call in (folder.job, folder.delete_job, folder.authorization, folder.delete_authorization):
        with pytest.raises(BadConfiguration, match="There is no"):
            call(name)
    assert (folder.root / "settings.toml").exists()


# What people write


JOB = """\
label = "Orders"
workflow = "AzureCsvImport"
authorization = "storage"

[config]
stream = "orders"
container = "sales"
filename = "orders.csv"
"""


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            ("stream =", "straem ="),
            "jobs/orders.toml, line 6, config.straem: this key is not known. Did you mean stream?",
        ),
        (("stream =", "straem ="), "jobs/orders.toml, line 5, config.stream: this key is missing. Add it"),
        (('label = "Orders"\n', ""), "jobs/orders.toml, label: this key is missing"),
        (('label = "Orders"', "label = 1"), "jobs/orders.toml, line 1, label: this must be text, in quotes"),
        (('label = "Orders"', 'label = ""'), "jobs/orders.toml, line 1, label: this must not be empty"),
        (
            ("AzureCsvImport", "AzureCsv"),
            "jobs/orders.toml, line 2, workflow: this kind of job is not known. The kinds are AzureCsvImport",
        ),
        (("workflow", "work"), "jobs/orders.toml, workflow: this key is missing"),
        (("[config]", "[confg]"), "jobs/orders.toml, line 5, confg: this key is not known. Did you mean config?"),
        (("[config]\n", "config = 1\n"), "this key is not known"),
        (
            ('orders.csv"', "orders.csv\"\ndiff = 'maybe'"),
            "jobs/orders.toml, line 9, config.diff: this must be true or false",
        ),
        (
            ('orders.csv"', "orders.csv\"\nfields = 'id'"),
            "jobs/orders.toml, line 9, config.fields: this must be a list",
        ),
        (
            ('orders.csv"', "orders.csv\"\nfields = [\n 'id',\n 2]"),
            "jobs/orders.toml, line 9, config.fields[2]: this must be text",
        ),
        (
            ('orders.csv"', "orders.csv\"\nprefix = 'a('"),
            "jobs/orders.toml, line 9, config.prefix: not a regular expression",
        ),
        (
            ('orders.csv"', "orders.csv\"\ntimezone = 'Mars'"),
            "jobs/orders.toml, line 9, config.timezone: no time zone is called 'Mars'",
        ),
        (
            ('orders.csv"', "orders.csv\"\nfile_frequency = 'often'"),
            "config.file_frequency: this must be 'hourly', 'daily', 'weekly' or 'monthly'",
        ),
        (
            ('orders.csv"', "orders.csv\"\nconnection_string = 'x'"),
            "jobs/orders.toml, line 9, config.connection_string: a secret is never kept in this file",
        ),
        (('"sales"', '"s1"'), "line 7, config.container: a name has 3 to 63 characters; this one has 2"),
        (('"sales"', '""'), "jobs/orders.toml, line 7, config.container: this is needed"),
        (('"sales"', '"Sales"'), "config.container: the character S cannot stand at the beginning: use lower-case"),
        (
            ('stream = "orders"', 'stream = "my orders!"'),
            "config.stream: a space cannot stand here: use letters, digits, and then also _ . -, at most 200",
        ),
        (('stream = "orders"', 'stream = "-"'), "config.stream: the character - cannot stand at the beginning"),
        (('orders.csv"', "orders.csv\"\ndelimiter = '\"'"), "line 9, config.delimiter: a quotation mark or"),
        (("[config]", "[config"), "jobs/orders.toml, line 5, column 8: this is not TOML"),
        (('"storage"', '"store"'), "jobs/orders.toml, line 3, authorization: there is no such authorization"),
        (
            ('"storage"', '"hub"'),
            "an authorization by Azure Event Hub cannot carry this kind of job. Name one by Azure Storage",
        ),
    ],
)
def test_what_is_wrong_is_named_by_file_line_and_key(folder: Folder, change: tuple[str, str], message: str) -> None:
    folder.save_authorization(STORAGE)
    folder.save_authorization(AzureEventHub(id="hub", label="Hub"))
    write(folder, "jobs/orders.toml", JOB)
    assert folder.problems() == []
    write(folder, "jobs/orders.toml", JOB.replace(*change))
    assert any(message in problem for problem in problems(folder)), problems(folder)


def test_a_file_that_cannot_be_read_does_not_hide_the_others(folder: Folder) -> None:
    folder.save_authorization(STORAGE)
    folder.save_job(job())
    write(folder, "jobs/half.toml", "label =")
    write(folder, "authorizations/half.toml", "label =")
    assert [item.id for item in folder.jobs()] == ["orders"]
    assert [item.id for item in folder.authorizations()] == ["storage"]
    assert len(folder.problems()) == 2
    with pytest.raises(BadConfiguration, match=r"jobs/half\.toml, line 1"):
        folder.job("half")


def test_a_file_s_name_must_be_an_id(folder: Folder) -> None:
    write(folder, "jobs/My Orders.toml", JOB)
    assert any("jobs/My Orders.toml has a name that cannot be used" in problem for problem in problems(folder))


def test_an_editor_s_leftovers_are_not_jobs(folder: Folder) -> None:
    for name in (".orders.toml", "orders.toml~", "orders.toml.bak", ".orders.toml.swp", "notes.txt"):
        write(folder, f"jobs/{name}", "not TOML at all")
    assert (folder.jobs(), folder.problems()) == ([], [])


def test_a_secret_in_an_authorization_s_file_is_refused_and_not_quoted(folder: Folder) -> None:
    text = 'method = "AzureStorageConnection"\nlabel = "S"\nconnection_string = "AccountKey=c2VjcmV0"\n'
    write(folder, "authorizations/storage.toml", text)
    (problem,) = problems(folder)
    assert "authorizations/storage.toml, line 3, connection_string: a secret is never kept in this file" in problem
    assert "Authorizations, Edit" in problem
    assert "c2VjcmV0" not in problem


@pytest.mark.parametrize("text", ['label = "S"\n', 'method = "Azure"\nlabel = "S"\n', 'method = ["Azure"]\n'])
def test_an_unknown_method_is_said(folder: Folder, text: str) -> None:
    write(folder, "authorizations/storage.toml", text)
    (problem,) = problems(folder)
    assert "method: this" in problem
    assert "AzureStorageConnection, AzureEventHub, AzureSQL" in problem


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[engine]\nruns_at_once = 0\n", "settings.toml, line 2, engine.runs_at_once: input should be greater"),
        ("[engine]\nmemory = 'much'\n", "settings.toml, line 2, engine.memory: write a size such as 512MiB"),
        ("[engine]\nmemory = '1KB'\n", "settings.toml, line 2, engine.memory: input should be greater"),
        ("[engin]\n", "settings.toml, line 1, engin: this key is not known. Did you mean engine?"),
        (
            "[engine]\nrun_at_once = 1\n",
            "line 2, engine.run_at_once: this key is not known. Did you mean runs_at_once?",
        ),
        ("engine = 1\n", "settings.toml, line 1, engine: this must be a table"),
        (
            "[secrets]\nbackend = 'paper'\n",
            "line 2, secrets.backend: this must be 'auto', 'keyring', 'file' or 'command'",
        ),
        ("[secrets]\nbackend = 'command'\n", 'line 1, secrets: backend = "command" needs a command'),
    ],
)
def test_wrong_settings_are_named_by_line_and_key(folder: Folder, text: str, message: str) -> None:
    write(folder, "settings.toml", text)
    with pytest.raises(BadConfiguration) as caught:
        folder.settings()
    assert message in str(caught.value)
    assert problems(folder) == [str(caught.value)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1GB", 10**9), ("1.5 GiB", 3 * 2**29), ("384MiB", 384 * 2**20), ("1000", 1000), (5, 5), (" 2 kb ", 2000)],
)
def test_sizes_are_read_in_both_kinds_of_units(text: str | int, expected: int) -> None:
    assert size(text) == expected


@given(st.text())
def test_any_text_in_a_job_s_file_is_read_or_complained_about(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    folder = Folder.open(tmp_path_factory.mktemp("any"))
    (folder.jobs_dir / "a.toml").write_bytes(text.encode("utf-8", "surrogatepass"))
    (folder.authorizations_dir / "a.toml").write_bytes(text.encode("utf-8", "surrogatepass"))
    assert len(folder.jobs()) + len(folder.authorizations()) + len(folder.problems()) >= 2


words = st.text(st.characters(codec="utf-8", exclude_characters="\r"), min_size=1, max_size=20)
configs = st.builds(
    CsvImport,
    stream=st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}", fullmatch=True),
    container=st.text(min_size=3, max_size=10, alphabet="abc-"),
    filename=words,
    delimiter=st.sampled_from([",", ";", "t", "|", "\t"]),
    timestamp_field=st.none() | words,
    fields=st.lists(words, max_size=3),
    continuous_update=st.booleans(),
    prefix=st.sampled_from([None, r"orders_\d{8}", "[a-z]+'\"\\\\"]),
    time_of_day=st.sampled_from([None, "00:00", "23:59"]),
    file_frequency=st.sampled_from(["hourly", "daily", "weekly", "monthly"]),
)
jobs = st.builds(
    Job,
    id=st.just("a"),
    label=words,
    description=words | st.just(""),
    workflow=st.just("AzureCsvImport"),
    authorization=st.just("storage"),
    enabled=st.booleans(),
    config=configs,
)


@given(st.lists(jobs, min_size=1, max_size=3))
def test_whatever_a_job_says_comes_back_edit_after_edit(
    tmp_path_factory: pytest.TempPathFactory, versions: list[Job]
) -> None:
    folder = Folder.open(tmp_path_factory.mktemp("jobs"))
    path = folder.jobs_dir / "a.toml"
    for number, version in enumerate(versions):
        folder.save_job(version)
        assert folder.job("a") == version
        path.write_text(f"{path.read_text()}# edited {number}\n")
    assert all(f"# edited {number}\n" in path.read_text() for number in range(len(versions)))


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("diff = true", ["line 9, config.diff: this has no effect without continuous_update = true"]),
        ("prefix = 'a'", ["line 9, config.prefix: this has no effect without continuous_update = true"]),
        ("time_of_day = '06:00'", ["line 9, config.time_of_day: this has no effect without"]),
        ("continuous_update = true\ndiff = true", []),
        ("diff = false", []),
        (
            "continuous_update = true\nfile_frequency = 'hourly'\ntime_of_day = '06:00'",
            ["line 11, config.time_of_day: this has no effect on a job that runs every hour"],
        ),
    ],
)
def test_what_does_not_count_is_told_and_the_job_runs_all_the_same(folder: Folder, lines: str, told: list[str]) -> None:
    write(folder, "authorizations/storage.toml", 'method = "AzureStorageConnection"\nlabel = "Storage"\n')
    write(folder, "jobs/orders.toml", f"{JOB}{lines}\n")
    assert [job.id for job in folder.jobs()] == ["orders"]
    assert folder.problems() == []
    said = [str(problem) for problem in folder.without_effect()]
    assert len(said) == len(told)
    assert all(words in line for words, line in zip(told, said, strict=True))


@pytest.mark.parametrize("name", ["100%25", "a%2Fb", "back\\slash", "two\nlines"])
def test_a_name_that_delta_lake_does_not_take_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadConfiguration, match="Delta Lake would look for its tables under another name"):
        Folder.open(tmp_path / name).data  # noqa: B018
    assert not (tmp_path / name / "data").exists()


@pytest.mark.parametrize(
    "name", ["a b", "100%", "#1", "what?", "[1]", "{a,b}", 'say "x"', "it's", "Größe", "k=v", "a**b"]
)
def test_any_other_name_will_do(tmp_path: Path, name: str) -> None:
    assert Folder.open(tmp_path / name).data.is_dir()
