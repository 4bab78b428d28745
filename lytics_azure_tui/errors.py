"""Everything that can go wrong, as one small tree; each error says what happened, why, and what to do.

LyazureError
├── BadConfiguration   a file or an option that people wrote is wrong: fix it, nothing was started
├── NotAuthorised      Azure or Lytics refused the credentials: never retried
├── RetryLater         may pass by itself: network, throttling, a locked resource
├── StartOver          what was being read has changed: the plan is void, make a new one
├── Undecided          not what it was: a person has to say how it goes on, and nothing is done until then
├── Fatal              will not pass by itself: a container that is gone, a disk that is full
└── Cancelled          the operator asked for it
"""

from __future__ import annotations


class LyazureError(Exception):
    """An error that an operator may see.

    Attributes:
        what: what happened, one sentence without a full stop at its end.
        why: the cause, as far as it is known; may be empty.
        fix: what the operator can do about it; may be empty.
    """

    def __init__(self, what: str, *, why: str = "", fix: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.fix = fix

    def __str__(self) -> str:
        return ". ".join(part for part in (self.what, self.why, self.fix) if part)

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.what, self.why, self.fix))


def _rebuild(kind: type[LyazureError], what: str, why: str, fix: str) -> LyazureError:
    return kind(what, why=why, fix=fix)


class BadConfiguration(LyazureError):
    """Something that a person wrote cannot be used."""


class NotAuthorised(LyazureError):
    """The credentials were refused, or lack a right."""


class RetryLater(LyazureError):
    """The same call may succeed later."""


class StartOver(LyazureError):
    """The source changed under the run; its plan and parts are void."""


class Undecided(LyazureError):
    """What a job goes on with is not what it was; only a person knows which way is right."""


class Fatal(LyazureError):
    """Trying again will not help."""


class Cancelled(LyazureError):
    """The operator ended the run."""
