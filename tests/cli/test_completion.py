"""Completion scripts, in the shells that are on this machine."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lytics_azure_tui.cli.command import SHELLS
from lytics_azure_tui.config.folder import Folder
from tests.cli.conftest import Program, import_job, save_jobs


@pytest.fixture
def on_path(tmp_path: Path) -> str:
    """A PATH on which the program is found by its name."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "lyazure-tui").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m lytics_azure_tui "$@"\n')
    (programs / "lyazure-tui").chmod(0o755)
    return f"{programs}:{os.environ['PATH']}"


def test_bash_completes_labels_to_ids_and_options(folder: Folder, program: Program, on_path: str) -> None:
    save_jobs(folder, [import_job("nightly", "Daily customers"), import_job("web", "Web events")])
    script = program("--completion", "bash").stdout
    # A shell hands over the words as they were typed, with their quotes.
    typed = shlex.quote(shlex.quote(str(folder.root)))
    ask = (
        'complete_it() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); '
        '_lyazure_tui_completion lyazure-tui; echo "${COMPREPLY[*]}"; }\n'
        f"complete_it lyazure-tui --config {typed} --run-saved Dai\n"
        f"complete_it lyazure-tui --config {typed} --run-saved ''\n"
        "complete_it lyazure-tui --dry\n"
    )
    result = _shell("bash", script + ask, on_path)
    assert result.splitlines() == ["nightly", "nightly web", "--dry-run"]


@pytest.mark.parametrize("shell", [shell for shell in SHELLS if shutil.which(shell)])
def test_the_script_is_one_of_its_shell(shell: str, program: Program) -> None:
    script = program("--completion", shell).stdout
    # A shell that reads a script without doing it finds every error of its grammar.
    result = subprocess.run([shell, "-n"], input=script, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")


def _shell(shell: str, script: str, path: str) -> str:
    command = [shell, "--norc", "--noprofile"] if shell == "bash" else [shell]
    result = subprocess.run(
        command, input=script, capture_output=True, text=True, env={**os.environ, "PATH": path}, check=False
    )
    assert result.stderr == ""
    return result.stdout
