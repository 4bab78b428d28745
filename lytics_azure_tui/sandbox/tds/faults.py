"""Faults that tests order: what a database in trouble does, on purpose and a known number of times."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from lytics_azure_tui.sandbox.tds.errors import SqlError

if TYPE_CHECKING:
    from lytics_azure_tui.sandbox.tds.server import SqlServer

STATEMENT_KINDS = (
    "drop_after_rows",
    "end_within_row",
    "cut_after_bytes",
    "slow_rows",
    "hang",
    "deaf",
    "statement_error",
)
KINDS = (*STATEMENT_KINDS, "login_error", "redirect")

_WORDS = {
    596: (21, "Cannot continue the execution because the session is in the kill state."),
    701: (17, "There is insufficient system memory in resource pool 'default' to run this query."),
    824: (
        24,
        "SQL Server detected a logical consistency-based I/O error: incorrect checksum (expected: 0x7a3d2c1f; actual: "
        "0x7a3d2c1e). It occurred during a read of page (1:812) in database ID 5.",
    ),
    1205: (
        13,
        "Transaction (Process ID {spid}) was deadlocked on lock resources with another process and has been chosen as "
        "the deadlock victim. Rerun the transaction.",
    ),
    4060: (11, 'Cannot open database "{database}" requested by the login. The login failed.'),
    10928: (
        16,
        "Resource ID : 1. The request limit for the database is 60 and has been reached. See "
        "'https://go.microsoft.com/fwlink/?LinkId=267637' for assistance.",
    ),
    10929: (
        16,
        "Resource ID: 1. The request minimum guarantee is 0, maximum limit is 60 and the current usage for "
        "the database "
        "is 60. However, the server is currently too busy to support requests greater than 0 for this database.",
    ),
    8645: (
        17,
        "A timeout occurred while waiting for memory resources to execute the query in resource pool 'default' (2). "
        "Rerun the query.",
    ),
    18401: (
        14,
        "Login failed for user '{user}'. Reason: Server is in script upgrade mode. Only administrator can connect at "
        "this time.",
    ),
    18456: (14, "Login failed for user '{user}'."),
    40197: (17, "The service has encountered an error processing your request. Please try again. Error code 40549."),
    40501: (20, "The service is currently busy. Retry the request after 10 seconds. Incident ID: {{0}}. Code: 0."),
    40613: (
        17,
        "Database '{database}' on server 'lyazure-sandbox' is not currently available. Please retry the connection "
        "later. If the problem persists, contact customer support, and provide them the session tracing ID of "
        "'{{00000000-0000-0000-0000-000000000000}}'.",
    ),
    40615: (
        14,
        "Cannot open server 'lyazure-sandbox' requested by the login. Client with IP address '{address}' is "
        "not allowed "
        "to access the server. To enable access, use the Azure Management Portal or run sp_set_firewall_rule on the "
        "master database to create a firewall rule for this IP address or address range. It may take up to "
        "five minutes "
        "for this change to take effect.",
    ),
    # A number that no list knows, as new ones come with each version.
    49999: (17, "The elastic pool is busy with an operation that has no name yet."),
    49918: (16, "Cannot process request. Not enough resources to process request. Please retry your request later."),
}


def error_of(number: int, **values: object) -> SqlError:
    """An error of Azure's, as it words it. Args: values: database, user, address, spid."""
    severity, words = _WORDS.get(number, (16, f"Error {number}."))
    known = {"database": "", "user": "", "address": "127.0.0.1", "spid": 0, **values}
    return SqlError(number, words.format(**known), severity=severity)


@dataclass(slots=True)
class Fault:
    """One kind of trouble, as many times as is left.

    Attributes:
        kind: one of KINDS.
        number: of rows, bytes, the error's or the port's.
        pattern: of the statements that it meets, as for LIKE.
        seconds: of each pause.
        times: how often it still happens.
    """

    kind: str
    number: int
    pattern: str
    seconds: float
    times: int


class Faults:
    """What was ordered, for all sessions of a server."""

    def __init__(self) -> None:
        """Nothing is wrong."""
        self._lock = threading.Lock()
        self._ordered: list[Fault] = []

    def order(self, fault: Fault) -> None:
        """Makes a fault happen."""
        with self._lock:
            self._ordered.append(fault)

    def clear(self) -> None:
        """All is well again."""
        with self._lock:
            self._ordered.clear()

    def take(self, kinds: tuple[str, ...], text: str = "") -> Fault | None:
        """The fault that happens now, if one does; it counts as having happened.

        Args:
            text: of the statement; a fault that has a pattern meets those that are like it.
        """
        with self._lock:
            for fault in self._ordered:
                if fault.kind in kinds and is_like(text, fault.pattern):
                    fault.times -= 1
                    if fault.times <= 0:
                        self._ordered.remove(fault)
                    return Fault(fault.kind, fault.number, fault.pattern, fault.seconds, fault.times)
        return None


def is_like(text: str, pattern: str) -> bool:
    """% stands for anything, and nothing else is special."""
    rest = text.lower()
    pieces = pattern.lower().split("%")
    if len(pieces) == 1:
        return rest == pieces[0]
    if not rest.startswith(pieces[0]) or not rest.endswith(pieces[-1]):
        return False
    rest = rest[len(pieces[0]) :]
    for piece in pieces[1:-1]:
        found = rest.find(piece)
        if found < 0:
            return False
        rest = rest[found + len(piece) :]
    return len(rest) >= len(pieces[-1])


class FaultOrders:
    """Orders faults of a server over a connection of its own, from any process."""

    def __init__(self, server: SqlServer) -> None:
        """Args: server: that runs."""
        self._server = server

    def drop_after_rows(self, rows: int, times: int = 1, like: str = "%") -> Self:
        """The next results break off by a reset after this many rows."""
        return self._order("drop_after_rows", rows, like, 0.0, times)

    def end_within_row(self, row: int, times: int = 1, like: str = "%") -> Self:
        """The next results end in the middle of a row, in a packet that says that it is the last."""
        return self._order("end_within_row", row, like, 0.0, times)

    def cut_after_bytes(self, count: int, times: int = 1, like: str = "%") -> Self:
        """The next replies break off after this many bytes, in the middle of a packet."""
        return self._order("cut_after_bytes", count, like, 0.0, times)

    def slow_rows(self, rows: int, seconds: float, times: int = 1, like: str = "%") -> Self:
        """The next results pause after each so many rows."""
        return self._order("slow_rows", rows, like, seconds, times)

    def hang(self, times: int = 1, like: str = "%") -> Self:
        """The next statements do not answer until they are cancelled."""
        return self._order("hang", 0, like, 0.0, times)

    def deaf(self, seconds: float, times: int = 1, like: str = "%") -> Self:
        """The next statements answer nothing, no cancel either; after so many seconds the connection breaks off."""
        return self._order("deaf", 0, like, seconds, times)

    def statement_error(self, number: int, times: int = 1, like: str = "%") -> Self:
        """The next statements answer an error: 40613, 40501, 40197, 10928, 1205 and others."""
        return self._order("statement_error", number, like, 0.0, times)

    def login_error(self, number: int, times: int = 1) -> Self:
        """The next logins answer an error: 40613, 18456, 40615, 4060 and others."""
        return self._order("login_error", number, "%", 0.0, times)

    def redirect(self, port: int, times: int = 1) -> Self:
        """The next logins are sent on to another port, as Azure's gateway does."""
        return self._order("redirect", port, "%", 0.0, times)

    def reset(self) -> Self:
        """All is well again."""
        return self._run("EXEC sandbox_reset")

    def _order(self, kind: str, number: int, like: str, seconds: float, times: int) -> Self:
        pattern = like.replace("'", "''")
        return self._run(f"EXEC sandbox_fault N'{kind}', {number}, N'{pattern}', {seconds}, {times}")

    def _run(self, sql: str) -> Self:
        with self._server.session() as session:
            session.run(sql, what="The fault could not be ordered")
        return self


def faults(server: SqlServer) -> FaultOrders:
    """Orders faults: faults(server).drop_after_rows(1000)."""
    return FaultOrders(server)
