"""The answer of one look: a state, what was seen, and the fix."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from lytics_azure_tui.errors import LyazureError


class State(StrEnum):
    OK = "ok"
    WARNING = "warning"
    """Works now, or works for some; worth knowing."""
    PROBLEM = "problem"
    """Something that is configured cannot work."""


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the doctor's report.

    Attributes:
        name: what was looked at: "secrets", "clock"; the same in every report.
        subject: of which one, where there are several: an authorization's or a job's label, a file; may be empty.
        about: one line: what was seen.
        fix: what to do about it; empty when all is well.
    """

    name: str
    subject: str
    state: State
    about: str
    fix: str = ""


def ok(name: str, about: str, *, subject: str = "") -> Check:
    return Check(name, subject, State.OK, about)


def warning(name: str, about: str, fix: str, *, subject: str = "") -> Check:
    return Check(name, subject, State.WARNING, about, fix)


def problem(name: str, about: str, fix: str, *, subject: str = "") -> Check:
    return Check(name, subject, State.PROBLEM, about, fix)


def failed(name: str, error: LyazureError, *, subject: str = "") -> Check:
    """A problem, in the words of the error that told it."""
    about = ". ".join(part for part in (error.what, error.why) if part)
    return Check(name, subject, State.PROBLEM, about, error.fix)


def guarded(name: str, look: Callable[[], Iterable[Check]], *, subject: str = "") -> Iterator[Check]:
    """What a look saw; where it breaks down, a check that says so, as one broken look must not hide the others."""
    try:
        yield from look()
    except LyazureError as error:
        yield failed(name, error, subject=subject)
    except Exception as error:  # whatever it is, the report goes on
        # Only the kind of an unforeseen error is told: its text may carry what must not be shown.
        cause = error.strerror or "" if isinstance(error, OSError) else ""
        detail = f"{type(error).__name__} {cause}".rstrip()
        yield problem(name, f"This could not be looked at: {detail}", "Report it with this line.", subject=subject)
