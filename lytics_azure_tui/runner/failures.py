"""What a failure means for its run: try again and when, or give up; and how it is told without giving away a secret."""

from __future__ import annotations

import errno
import re
import traceback
from collections.abc import Iterator
from datetime import datetime, timedelta

from lytics_azure_tui.errors import Fatal, LyazureError
from lytics_azure_tui.model.authorization import Authorization
from lytics_azure_tui.model.run import Run
from lytics_azure_tui.model.secret import MASK

FIRST_DELAY = timedelta(minutes=1)
LONGEST_DELAY = timedelta(minutes=32)
PATIENCE = timedelta(hours=2)
"""A run that has failed for so long, with nothing done between, is given up."""

DEATHS = 5
"""So many processes of a run may end without a word, with nothing done between; a further one only cleans up."""

_FULL = re.compile(r"no space left on device|disk is full|disk quota exceeded", re.IGNORECASE)


def next_try(run: Run, now: datetime) -> datetime | None:
    """When a run whose try has just failed is to be tried again; None to give it up.

    The first delay is a minute, and each further one is twice as long as the one before, up to the longest. The last
    try is when patience ends.
    """
    given_up = (run.failing_since or now) + PATIENCE
    # The exponent is bounded, as a run that starts over may have failed very often.
    at = now + min(FIRST_DELAY * 2 ** min(run.failures, 10), LONGEST_DELAY)
    return min(at, given_up) if now < given_up else None


def given_up(run: Run) -> Fatal:
    """The end of a run whose processes die whatever one does."""
    return Fatal(
        f"The run's process ended {run.deaths} times without a word, and got no further between",
        why="Something ended it from outside, or the machine has too little memory",
        fix="Look at the system's log for processes that were ended for want of memory; "
        "lower [engine] memory, threads or runs_at_once in settings.toml",
    )


def explained(error: BaseException, log: str) -> LyazureError:
    """An error that an operator can act on, for one that came from somewhere below.

    Args:
        error: what was raised.
        log: the file in which its traceback is.
    """
    if isinstance(error, LyazureError):
        return error
    for cause in _causes(error):
        if (isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT)) or _FULL.search(str(cause)):
            where = f" ({cause.filename})" if isinstance(cause, OSError) and cause.filename else ""
            return Fatal(
                f"There is no space left on the disk{where}",
                fix="Free some space, or choose another [storage] folder, then start the run again",
            )
    from lytics_azure_tui.lytics.duck import lacks_memory

    if any(map(lacks_memory, _causes(error))):
        return Fatal(
            "The run needs more memory than it may use",
            why="It works on rows with very many columns or very long values",
            fix="Raise [engine] memory in settings.toml, or lower [engine] threads, which share it; "
            "or choose fewer fields in the job",
        )
    if isinstance(error, MemoryError):
        return Fatal(
            "There is not enough memory", fix="Lower [engine] runs_at_once, threads or memory in settings.toml"
        )
    return Fatal(
        "The run met an error that this program does not know",
        why=type(error).__name__,
        fix=f"The details are in {log}",
    )


def details(error: BaseException, authorization: Authorization | None) -> str:
    """A traceback without values of variables, and without the authorization's secrets."""
    return redacted("".join(traceback.format_exception(error)), authorization)


def redacted(text: str, authorization: Authorization | None) -> str:
    """The text without the authorization's secrets, whole or in pieces."""
    for piece in sorted(_pieces(authorization), key=len, reverse=True):
        text = text.replace(piece, MASK)
    return re.sub(r"(?i)\b(sig|AccountKey|SharedAccessKey|password)=[^\s;&\"']+", rf"\1={MASK}", text)


def _pieces(authorization: Authorization | None) -> Iterator[str]:
    if authorization is None:
        return
    for field in authorization.secret_fields():
        secret = getattr(authorization, field)
        if secret:
            value = secret.reveal()
            yield value
            # A connection string holds the key among words that are no secret; those are short.
            yield from (piece for piece in re.split(r"[;&?\s]|(?<=[A-Za-z])=", value) if len(piece) > 16)


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    for _ in range(10):
        if seen is None:
            return
        yield seen
        seen = seen.__cause__ or seen.__context__
