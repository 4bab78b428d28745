"""Whoever queues a run makes sure of a runner that lives and can open the secrets, or says at once what is missing."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path

import pytest
from keyrings.cryptfile.cryptfile import CryptFileKeyring

from lytics_azure_tui.config.keys import PREFIX, VARIABLE, Keys, PassphraseNeeded
from lytics_azure_tui.config.secrets import open_store, save
from lytics_azure_tui.errors import LyazureError, NotAuthorised, RetryLater
from lytics_azure_tui.model.authorization import AzureStorage
from lytics_azure_tui.model.run import RunState
from lytics_azure_tui.model.secret import Secret
from lytics_azure_tui.runner import control, lock, places, service
from lytics_azure_tui.runner.events import Event
from lytics_azure_tui.runner.foreground import run_saved
from lytics_azure_tui.runner.ledger import Ledger
from lytics_azure_tui.runner.lock import RunnerLock
from lytics_azure_tui.tui.desk import Desk
from tests.integration.runner.test_runner_background import begun, gone, until
from tests.integration.runner.world import SECRET, World

WORD = Keys(Secret("correct horse battery staple"))
SECRET_VARIABLE = f"{PREFIX}STORAGE_CONNECTION_STRING"


@pytest.fixture
def locked(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world whose secret is in the encrypted file, and a job that needs it."""
    monkeypatch.delenv(SECRET_VARIABLE)
    # The work factors of the encryption, here and in the program's processes: they are tried elsewhere.
    monkeypatch.setattr(CryptFileKeyring, "time_cost", 1)
    monkeypatch.setattr(CryptFileKeyring, "memory_cost", 1024)
    with (world.place / "site" / "sitecustomize.py").open("a") as customized:
        customized.write("from keyrings.cryptfile.cryptfile import CryptFileKeyring as File\n")
        customized.write("File.time_cost, File.memory_cost = 1, 1024\n")
    authorization = AzureStorage(id="storage", label="Storage", connection_string=Secret(SECRET))
    save(world.folder, open_store(world.folder, WORD), authorization)
    world.job()
    return world


def nobody(world: World) -> None:
    """No runner was ever started."""


def locked_runner(world: World) -> None:
    service.ensure_runner(world.folder)


def unlocked_runner(world: World) -> None:
    service.ensure_runner(world.folder, WORD)


def ending_runner(world: World) -> None:
    """Lets a run finish that does not end, and starts no new ones."""
    status = service.ensure_runner(world.folder, WORD)
    world.queue("slow", script={"do 0": ["wait"]})
    begun(world, "do 0", "slow")
    os.kill(status.pid, signal.SIGTERM)
    until(lambda: "Lets runs finish" in places.runner_log(world.folder).read_text())


def killed_runner(world: World) -> None:
    status = service.ensure_runner(world.folder, WORD)
    os.kill(status.pid, signal.SIGKILL)
    gone(status.pid)


STATES = pytest.mark.parametrize("state", [nobody, locked_runner, unlocked_runner, ending_runner, killed_runner])
State = Callable[[World], None]


@STATES
def test_the_screens_ask_for_what_is_missing_before_they_queue(locked: World, state: State) -> None:
    state(locked)
    with closing(Ledger(places.ledger_file(locked.folder))) as ledger:
        desk = Desk(locked.folder, ledger)
        if state is not unlocked_runner:
            with pytest.raises(PassphraseNeeded, match="needs a passphrase"):
                desk.start_now("copy")
            assert ledger.runs(job="copy") == []
            desk.remember(Secret("correct horse battery staple"))
        run = desk.start_now("copy")
        assert locked.wait(run).state is RunState.SUCCEEDED
    if state is ending_runner:
        assert not locked.ledger.runs(job="slow")[0].state.ended, "the next runner has taken it over"


@STATES
def test_saved_runs_take_the_passphrase_to_the_runner_or_say_that_it_is_missing(locked: World, state: State) -> None:
    state(locked)
    try:
        said = [run.error for run in run_saved(locked.folder, ["copy"], on_event=lambda _: None).runs]
    except LyazureError as error:
        said = [str(error)]
        assert locked.ledger.runs(job="copy") == [], "nothing was queued"
    if state is unlocked_runner:
        assert said == [""]
    else:
        assert "needs a passphrase" in said[0] and VARIABLE in said[0]
    word = Keys(Secret("incorrect horse")) if state is unlocked_runner else WORD
    summary = run_saved(locked.folder, ["copy"], on_event=lambda _: None, keys=word)
    assert [run.error for run in summary.runs] == [""]


@STATES
def test_watching_sees_to_it_that_jobs_that_become_due_can_be_done(
    locked: World, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    state(locked)
    monkeypatch.setenv(VARIABLE, "correct horse battery staple")
    command = [sys.executable, "-m", "lytics_azure_tui", "--config", str(locked.folder.root), "--watch"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as watching:
        if state in (nobody, killed_runner):
            until(lambda: (found := lock.holder(locked.folder.data)) is not None and found.pid == watching.pid)
        else:
            assert watching.stderr is not None
            assert "runs are handed to it" in watching.stderr.readline()
        job = locked.job("hourly", repeats="hourly")
        until(lambda: bool(locked.ledger.runs(job=job.id)))
        assert locked.wait(locked.ledger.runs(job=job.id)[0]).error == ""
        watching.terminate()
        watching.wait(20)


def test_secrets_of_the_environment_reach_the_runner_that_is_at_work(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(SECRET_VARIABLE)
    runner = service.ensure_runner(world.folder)
    world.job()
    monkeypatch.setenv(SECRET_VARIABLE, SECRET)
    told: list[Event] = []
    summary = run_saved(world.folder, ["copy"], on_event=told.append)
    assert [run.error for run in summary.runs] == [""]
    assert service.runner_status(world.folder) == runner
    assert SECRET.encode() not in Path(f"/proc/{runner.pid}/environ").read_bytes()


def test_a_runner_in_the_foreground_is_given_the_passphrase_too(locked: World) -> None:
    command = [sys.executable, "-m", "lytics_azure_tui", "--config", str(locked.folder.root), "--watch"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as watching:
        until(lambda: (found := lock.holder(locked.folder.data)) is not None and found.pid == watching.pid)
        with pytest.raises(PassphraseNeeded):
            service.start_now(locked.folder, "copy")
        assert locked.wait(service.start_now(locked.folder, "copy", WORD)).error == ""
        status = service.runner_status(locked.folder)
        assert status is not None and status.pid == watching.pid
        watching.terminate()
        watching.wait(20)


def test_of_those_who_start_a_runner_at_once_all_get_the_same_one(locked: World) -> None:
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda keys: service.ensure_runner(locked.folder, keys), (Keys(), WORD, Keys())))
    assert len({status.pid for status in found}) == 1
    assert locked.wait(service.start_now(locked.folder, "copy")).error == "", "it was given the passphrase"


class Foreground:
    """A runner in the foreground that gives the answer it was made with."""

    def __init__(self, world: World, answer: control.Answer) -> None:
        taken = RunnerLock.take(world.folder.data, background=False)
        assert taken is not None and taken.listening is not None
        self.lock = taken
        control.serve(taken.listening, lambda keys, needs: answer)


def test_what_a_runner_in_the_foreground_cannot_do_is_said_with_the_way_out(locked: World) -> None:
    for answer, kind, words in (
        (control.Answer(missing="The keyring is locked"), NotAuthorised, f"The keyring is locked.*kill {os.getpid()}"),
        (control.Answer(ending=True), RetryLater, "starts no new runs"),
    ):
        foreground = Foreground(locked, answer)
        with pytest.raises(kind, match=words):
            service.start_now(locked.folder, "copy", WORD)
        foreground.lock.release()
    assert locked.ledger.runs() == []


def test_the_control_socket_is_its_owners_alone_and_outlasts_nonsense(world: World) -> None:
    foreground = Foreground(world, control.Answer())
    path = world.folder.data / control.NAME
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for nonsense in (b"", b"{", b"[]", b'{"keys": 1, "needs": []}', b'{"keys": "{}", "needs": 7}', b"\xff" * 2_000_000):
        with socket.socket(socket.AF_UNIX) as caller, suppress(OSError):
            with control._short(world.folder.data) as short:
                caller.connect(short)
            caller.sendall(nonsense)
            caller.shutdown(socket.SHUT_WR)
            assert caller.recv(100).strip() == b""
    assert control.ask(world.folder.data, Keys(), ()) == control.Answer()
    foreground.lock.release()
    assert not path.exists()
    assert control.ask(world.folder.data, Keys(), ()) is None


def test_a_runner_left_by_this_machine_under_another_name_does_not_hold_up_runs(world: World) -> None:
    """A container is called otherwise after each start."""
    taken = RunnerLock.take(world.folder.data, background=True)
    assert taken is not None
    path = world.folder.data / lock.NAME
    path.write_text(path.read_text().replace(socket.gethostname(), "another-name"))
    held = service.runner_status(world.folder)
    assert held is not None and held.running and not held.this_host
    written = path.read_text()
    taken.release()
    path.write_text(written)
    left = service.runner_status(world.folder)
    assert left is not None and not left.running
    job = world.job()
    assert world.wait(service.start_now(world.folder, job.id)).error == ""
