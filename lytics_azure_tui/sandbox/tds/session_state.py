"""What a session keeps from one statement to the next."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Login:
    """One that may log in.

    Attributes:
        owns: whether it may do everything.
        meets_no_faults: whether ordered faults pass it by.
    """

    name: str
    password: str
    owns: bool = False
    meets_no_faults: bool = False

    def __repr__(self) -> str:
        return f"Login({self.name!r})"


@dataclass(slots=True)
class Transaction:
    """Attributes:
    count: @@TRANCOUNT.
    begun: whether DuckDB has begun one: that is put off until the first write, as until then every statement sees what
        others have committed meanwhile.
    failed: whether nothing but ROLLBACK is possible.
    number: for the client.
    """

    count: int = 0
    begun: bool = False
    failed: bool = False
    number: int = 0


@dataclass(slots=True)
class Settings:
    """What SET changes."""

    nocount: bool = False
    xact_abort: bool = False
    implicit_transactions: bool = False
    isolation: str = "READ COMMITTED"
    lock_timeout: int = -1
    identity_insert: str = ""


@dataclass(slots=True)
class Caught:
    """The error that a CATCH block handles."""

    number: int
    message: str
    severity: int
    state: int
    line: int
