"""The last resort of the command line: every error becomes words and an exit code, never a traceback."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click

from lytics_azure_tui.cli.output import Exit, Output
from lytics_azure_tui.errors import BadConfiguration, Cancelled, LyazureError

_LOG_BYTES = 1_000_000


@contextmanager
def answering(output: Output) -> Iterator[None]:
    """Turns what goes wrong inside into an answer and an exit."""
    # Until something inside knows better, a polite kill is an interruption like Ctrl+C.
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except (click.ClickException, click.exceptions.Exit):
        raise
    except LyazureError as error:
        tell(error, output)
        sys.exit(code_of(error))
    except (KeyboardInterrupt, click.Abort):
        output.words("Interrupted.")
        sys.exit(Exit.INTERRUPTED)
    except Exception as error:  # nothing may reach an operator as a traceback
        log = _record(error)
        where = f"The details are in {log}" if log else "Its details could not be written to a log"
        tell(LyazureError(f"Something unexpected went wrong ({type(error).__name__})", why=where), output)
        sys.exit(Exit.FAILED)
    finally:
        signal.signal(signal.SIGTERM, before)


def tell(error: LyazureError, output: Output, label: str = "") -> None:
    """Says an error on stderr, and as an event where --json asks for it.

    Args:
        label: of the job that it is about; empty when it is about the whole invocation.
    """
    about = {"label": label} if label else {}
    output.event("error", {**about, "what": error.what, "why": error.why, "fix": error.fix})
    output.words(f"{label or click.get_current_context().info_name}: {error}")


def code_of(error: LyazureError) -> Exit:
    """The exit code for an error that ended the whole invocation."""
    if isinstance(error, BadConfiguration):
        return Exit.USAGE
    return Exit.INTERRUPTED if isinstance(error, Cancelled) else Exit.FAILED


def _record(error: Exception) -> Path | None:
    """Appends a traceback to the log, without the values of variables and with the usual places of secrets masked."""
    from platformdirs import user_log_path

    from lytics_azure_tui.runner import failures

    path = user_log_path("lyazure-tui") / "errors.log"
    text = failures.details(error, None)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.exists() and path.stat().st_size > _LOG_BYTES:
            path.replace(path.with_suffix(".log.1"))
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a", encoding="utf-8") as log:
            log.write(f"{datetime.now(UTC).isoformat(timespec='seconds')}\n{text}\n")
    except OSError:
        return None
    return path
