"""The options, what may go with what, and which way they lead. Each way is imported only when it is taken."""

from __future__ import annotations

import gc
import sys
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from lytics_azure_tui import __version__
from lytics_azure_tui.cli.answer import answering
from lytics_azure_tui.cli.output import Output

PROGRAM = "lyazure-tui"
SHELLS = ("bash", "zsh", "fish")
WITH_JSON = (
    *("--run-saved", "--watch", "--dry-run", "--list", "--doctor", "--pause", "--resume"),
    *("--forget", "--hand-over", "--take-back", "--begin-anew", "--go-on"),
)
"""Options whose answer can be JSON."""

EPILOG = """\b
Exit codes:
  0    done
  1    a run failed, a job's schedule has stopped, or the doctor found a problem
  2    bad usage or configuration; nothing that it is about was started
  3    finished, with rows in quarantine or warnings
  130  interrupted

--check has those of a Nagios plugin: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.

Data goes to stdout, words go to stderr.
"""


def _labels(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[Any]]:
    from lytics_azure_tui.cli.listing import matching

    return [CompletionItem(id, help=label) for id, label in matching(ctx.params.get("config"), incomplete)]


@click.command(PROGRAM, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("labels", nargs=-1, metavar="[LABEL]...", shell_complete=_labels)
@click.option(
    "--run-saved",
    is_flag=True,
    help="Run the saved jobs with these labels or ids now; without any, those that are due.",
)
@click.option(
    "--watch",
    is_flag=True,
    help="Stay, and run saved jobs whenever they are due. A signal lets runs finish, a second one stops them.",
)
@click.option(
    "--dry-run",
    is_flag=True,
    help="Say what --run-saved would do: files, bytes, fields and rows of a sample. Changes nothing.",
)
@click.option("--list", "list_jobs", is_flag=True, help="List the saved jobs, with their state and next run.")
@click.option(
    "--doctor",
    is_flag=True,
    help="Look for what is wrong, from the configuration to the rights of a key, and name the fix.",
)
@click.option(
    "--check",
    is_flag=True,
    help="Say in one line whether anything is wrong, for monitoring systems; exit codes as of a Nagios plugin.",
)
@click.option("--pause", metavar="JOB", shell_complete=_labels, help="Pause the schedule of a saved job.")
@click.option(
    "--resume",
    metavar="JOB",
    shell_complete=_labels,
    help="Take up the schedule of a saved job that was paused, or that stopped by itself.",
)
@click.option(
    "--forget",
    metavar="IDENTIFIER",
    help="Remove a person, by an e-mail address or another identifier, from all that is kept; - reads it from stdin.",
)
@click.option(
    "--hand-over",
    metavar="JOB",
    shell_complete=_labels,
    help="Have Lytics run a saved job on its own machines, after saying what is sent there.",
)
@click.option(
    "--take-back",
    metavar="JOB",
    shell_complete=_labels,
    help="End a job there that was handed over, and run it here again.",
)
@click.option(
    "--begin-anew",
    metavar="JOB",
    shell_complete=_labels,
    help="Have a job that imports a table forget what it has imported: its next run imports all rows.",
)
@click.option(
    "--go-on",
    metavar="JOB",
    shell_complete=_labels,
    help="Have a job that stopped because its table is another one go on behind the last row that was imported.",
)
@click.option("--yes", is_flag=True, help="With --forget and the four options above: do not ask.")
@click.option(
    "--lytics-token",
    is_flag=True,
    help="Keep the API token of a Lytics account where secrets are; asks for it, or reads it from stdin.",
)
@click.option("--json", "as_json", is_flag=True, help="Write one JSON object a line to stdout, for programs.")
@click.option(
    "--config",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="LYAZURE_CONFIG",
    show_envvar=True,
    metavar="DIR",
    help="The configuration folder.",
)
@click.option("--demo", is_flag=True, help="Try everything on a stand-in for Azure on this machine.")
@click.option("--completion", type=click.Choice(SHELLS), help="Print the completion script of a shell.")
@click.version_option(__version__, message="%(prog)s %(version)s")
@click.pass_context
def command(
    ctx: click.Context,
    *,
    labels: tuple[str, ...],
    run_saved: bool,
    watch: bool,
    dry_run: bool,
    list_jobs: bool,
    doctor: bool,
    check: bool,
    pause: str | None,
    resume: str | None,
    forget: str | None,
    hand_over: str | None,
    take_back: str | None,
    begin_anew: str | None,
    go_on: str | None,
    yes: bool,
    lytics_token: bool,
    as_json: bool,
    config: Path | None,
    demo: bool,
    completion: str | None,
) -> None:
    """Move data between Microsoft Azure and Lytics.

    Without options, opens the screens.
    """
    chosen = {
        "--run-saved": run_saved,
        "--watch": watch,
        "--dry-run": dry_run,
        "--list": list_jobs,
        "--doctor": doctor,
        "--check": check,
        "--pause": pause is not None,
        "--resume": resume is not None,
        "--forget": forget is not None,
        "--hand-over": hand_over is not None,
        "--take-back": take_back is not None,
        "--begin-anew": begin_anew is not None,
        "--go-on": go_on is not None,
        "--lytics-token": lytics_token,
        "--demo": demo,
        "--completion": completion is not None,
    }
    given = [option for option, on in chosen.items() if on]
    _refuse_nonsense(given, labels, as_json, _given(ctx, "config"))
    root = config.expanduser() if config else None
    output = Output(json=as_json)
    with answering(output):
        code = 0
        if dry_run:
            from lytics_azure_tui.cli.rehearsing import dry_run as rehearse_saved

            code = rehearse_saved(root, labels, output)
        elif run_saved or watch:
            from lytics_azure_tui.cli.running import run

            code = run(root, labels, output, watch=watch)
        elif list_jobs:
            from lytics_azure_tui.cli.listing import show

            code = show(root, output)
        elif doctor or check:
            from lytics_azure_tui.cli.examining import check_all, diagnose

            code = diagnose(root, output) if doctor else check_all(root, output)
        elif pause is not None or resume is not None:
            from lytics_azure_tui.cli.pausing import set_paused

            code = set_paused(root, pause or resume or "", output, paused=pause is not None)
        elif forget is not None:
            from lytics_azure_tui.cli.forgetting import forget_person

            code = forget_person(root, forget, output, sure=yes)
        elif hand_over is not None or take_back is not None:
            from lytics_azure_tui.cli import handing

            way = handing.take_back if hand_over is None else handing.hand_over
            code = way(root, hand_over or take_back or "", output, sure=yes)
        elif begin_anew is not None or go_on is not None:
            from lytics_azure_tui.cli import going_on
            from lytics_azure_tui.model.run import Answer

            answer = Answer.GO_ON if begin_anew is None else Answer.ANEW
            code = going_on.go_on(root, begin_anew or go_on or "", answer, output, sure=yes)
        elif lytics_token:
            from lytics_azure_tui.cli.lytics_token import keep_token

            code = keep_token(root, output)
        elif demo:
            from lytics_azure_tui.sandbox.demo import run_demo

            code = run_demo(interactive=_has_terminal())
        elif completion:
            output.data(_completion(completion))
        else:
            code = _open_screens(root)
        sys.exit(code)


def main() -> None:
    """The program. Never returns; the exit code is one of `Exit`."""
    for stream in (sys.stdout, sys.stderr):
        # A character that the terminal's charset lacks is no reason to fail.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    command.main(prog_name=PROGRAM)


def _refuse_nonsense(given: list[str], labels: tuple[str, ...], as_json: bool, config_given: bool) -> None:
    """Raises a usage error for options that do not go together."""
    together = {"--run-saved", "--watch"} if "--watch" in given else {"--run-saved", "--dry-run"}
    if len(given) > 1 and not set(given) <= together:
        raise click.UsageError(f"{' and '.join(given)} do not go together; choose one.")
    if labels and not {"--run-saved", "--dry-run", "--watch"} & set(given):
        raise click.UsageError(
            f"A label goes with --run-saved, --watch or --dry-run: {PROGRAM} --run-saved {labels[0]!r}"
        )
    if as_json and not set(WITH_JSON) & set(given):
        raise click.UsageError(f"--json goes with {', '.join(WITH_JSON[:-1])} or {WITH_JSON[-1]}.")
    if config_given and "--demo" in given:
        raise click.UsageError("--demo brings a configuration folder of its own; leave --config out.")


def _given(ctx: click.Context, name: str) -> bool:
    """Whether an option was typed, and not taken from the environment."""
    return ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE


def _has_terminal() -> bool:
    # Textual draws on stderr: with `2>file` the terminal would stay empty.
    return sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty()


def _open_screens(root: Path | None) -> int:
    if not _has_terminal():
        raise click.UsageError(
            "The screens need a terminal, for stdin, stdout and stderr. "
            "Without one, use --run-saved, --list or --doctor."
        )
    # What is made while starting lives to the end: looking for garbage in it costs a tenth of the start.
    gc.disable()
    from lytics_azure_tui.tui.app import LyazureApp
    from lytics_azure_tui.tui.desk import Desk
    from lytics_azure_tui.tui.themes import terminal_colours

    app = LyazureApp(Desk.open(root), colours=terminal_colours())
    gc.freeze()
    # Screens make and drop many small things: by the usual threshold a sixth of their time goes into looking at them.
    gc.set_threshold(10_000)
    gc.enable()
    app.run()
    return app.return_code or 0


def _completion(shell: str) -> str:
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"No completion is known for {shell}.")
    return kind(command, {}, PROGRAM, f"_{PROGRAM}_COMPLETE".replace("-", "_").upper()).source()
