"""What may go with what, what is refused with which words, and what the help says."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from lytics_azure_tui import __version__
from lytics_azure_tui.cli.command import SHELLS, command
from lytics_azure_tui.cli.output import Exit

README = Path(__file__).parents[2] / "README.md"


def _options() -> list[str]:
    return [name for param in command.params if isinstance(param, click.Option) for name in param.opts]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--list", "--doctor"], "--list and --doctor do not go together"),
        (["--run-saved", "--list"], "--run-saved and --list do not go together"),
        (["--watch", "--dry-run"], "--watch and --dry-run do not go together"),
        (["--run-saved", "--watch", "--dry-run"], "do not go together"),
        (["--demo", "--doctor"], "--doctor and --demo do not go together"),
        (["Daily customers"], "A label goes with --run-saved"),
        (["--list", "Daily customers"], "A label goes with --run-saved"),
        (["--json"], "--json goes with"),
        (["--json", "--demo"], "--json goes with"),
        (["--json", "--completion", "bash"], "--json goes with"),
        (["--hand-over", "a", "--take-back", "b"], "--hand-over and --take-back do not go together"),
        (["--demo", "--config", "somewhere"], "--demo brings a configuration folder of its own"),
        (["--completion", "powershell"], "'powershell' is not one of"),
        (["--no-such-option"], "No such option"),
        ([], "The screens need a terminal"),
    ],
)
def test_nonsense_is_refused_with_words(arguments: list[str], words: str) -> None:
    result = CliRunner().invoke(command, arguments)
    assert result.exit_code == Exit.USAGE
    assert words in result.stderr
    assert result.stdout == ""


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    result = CliRunner().invoke(command, ["--list", "--config", str(file)])
    assert result.exit_code == Exit.USAGE
    assert "is a file" in result.stderr


def test_version() -> None:
    result = CliRunner().invoke(command, ["--version"])
    assert (result.exit_code, result.stdout) == (0, f"lyazure-tui {__version__}\n")


def test_help_tells_options_and_exit_codes() -> None:
    result = CliRunner().invoke(command, ["--help"])
    assert result.exit_code == 0
    for option in _options():
        assert option in result.stdout
    for code in Exit:
        assert re.search(rf"^\s+{code.value} +\w", result.stdout, re.MULTILINE), code


def test_every_option_is_in_the_readme() -> None:
    text = README.read_text(encoding="utf-8")
    missing = [option for option in _options() if option.startswith("--") and f"`{option}" not in text]
    assert missing == []


def test_every_exit_code_is_in_the_readme() -> None:
    text = README.read_text(encoding="utf-8")
    missing = [code.value for code in Exit if not re.search(rf"^\| {code.value} \|", text, re.MULTILINE)]
    assert missing == []


@pytest.mark.parametrize("shell", SHELLS)
def test_a_completion_script_for_each_shell(shell: str) -> None:
    result = CliRunner().invoke(command, ["--completion", shell])
    assert result.exit_code == 0
    assert "_LYAZURE_TUI_COMPLETE" in result.stdout
    assert "lyazure-tui" in result.stdout
