"""The one place where errors of SQL Server, of pytds and of the line to the server become ours."""

from __future__ import annotations

import re
import socket
from types import TracebackType

from OpenSSL import SSL
from pytds import tds_base

from lytics_azure_tui.errors import BadConfiguration, Fatal, LyazureError, NotAuthorised, RetryLater

_RIGHTS = "Ask an administrator of the database for the right to read it: GRANT SELECT"

# What passes by itself: learn.microsoft.com/azure/azure-sql/database/troubleshoot-common-errors-issues, and the numbers
# at which Microsoft's own clients try again (SqlClient's SqlConfigurableRetryFactory, Entity Framework Core).
_MOVING = "The service is moving the database, or had a fault of its own"
_BUSY = "The service is busy and asks for fewer requests"
_STARTING = "The server or the database is starting"
_REPLICA = "A replica of the database is changing its role, or is not ready for reading yet"
_MEMORY = "The server has too little memory at this moment"
_LOCKS = "The server has too few locks at this moment, or somebody else holds one for too long"
_LOST = "The server closed the connection"
_ENDED = "The service ended the session, which used too much of the server"
_CONFLICT = "Another transaction changed the same rows at the same time"
_PASSES = {
    **dict.fromkeys((20, 64, 121, 233, 997, 10053, 10054, 10060, 11001, 17830), _LOST),
    **dict.fromkeys((596, 6005, 17142, 17148, 17187, 17188, 17189, 18401, 18451), _STARTING),
    **dict.fromkeys((921, 922, 942, 945, 952, 40143, 40166, 40189, 40197, 40540, 40545, 40642, 40648), _MOVING),
    **dict.fromkeys((976, 979, 982, 983, 988, 4221, 41640), _REPLICA),
    **dict.fromkeys((701, 802, 8628, 8645, 8651, 8657, 8658, 8902, 17803), _MEMORY),
    **dict.fromkeys((1203, 1204, 1221, 1222, 3635), _LOCKS),
    **dict.fromkeys((601, 617, 3941, 3960, 3961, 41301, 41302, 41305, 41325, 41839), _CONFLICT),
    **dict.fromkeys((1101, 1105), "The server has no space left for the temporary table"),
    **dict.fromkeys((40501, 40550, 49920, 45156, 45157, 45161), _BUSY),
    **dict.fromkeys((40549, 40551, 40552, 40553), _ENDED),
    **dict.fromkeys((10928, 10930, 10936, 17809), "The database has no free workers or sessions"),
    1205: "The server chose this query as the victim of a deadlock",
    9002: "The log of the database is full",
    10929: "The server is too busy for this database",
    40613: "The database is not available at this moment; a paused one takes a minute to wake",
    42108: "The database is paused",
    42109: "The database is being resumed",
    49918: "The subscription has not enough resources at this moment",
    49919: "Too many databases are being made or changed",
}
_DAMAGED = frozenset({211, 602, 605, 608, 823, 824, 829, 5180, 5242, 5243, 7105, 8646, 8928, 8939, 8964, 8966, 8978})
"""Severe errors about what is stored: these do not pass."""
_RESOURCES, _BROKEN = 17, 20
"""Severities (learn.microsoft.com/sql/relational-databases/errors-events/database-engine-error-severities): from 17 on
an error is about the server and not the statement, from 20 on it ends the connection."""
_LOGIN = {
    18452: ("The server does not take a name and a password for this user", "Use a user of SQL authentication"),
    18456: ("The user or the password is wrong", "Edit the authorization and enter them again"),
    18470: ("The user is disabled", "Ask an administrator of the server to enable it"),
    18486: ("The user is locked out", "Ask an administrator of the server to unlock it"),
    18487: ("The password has expired", "Set a new one, then edit the authorization"),
    18488: ("The password must be changed", "Set a new one, then edit the authorization"),
    40532: ("The server does not know the name that it was called by", "Enter the full name of the server"),
    40914: (
        "The server does not let this machine's network in",
        "Allow it in the portal: the server, Networking, Virtual networks",
    ),
}
_CANNOT_OPEN = frozenset({4060, 4064})
_STATEMENT: dict[int, tuple[type[LyazureError], str, str]] = {
    207: (Fatal, "A column is not there", "Look whether it was renamed or removed, and change the job"),
    208: (Fatal, "The table is not there", "Look whether it was renamed or removed, and change the job"),
    229: (NotAuthorised, "The user may not read it", _RIGHTS),
    230: (NotAuthorised, "The user may not read one of the columns", _RIGHTS),
    297: (NotAuthorised, "The user lacks a right", _RIGHTS),
    300: (NotAuthorised, "The user lacks a right", _RIGHTS),
    916: (NotAuthorised, "The user may not enter the database", _RIGHTS),
}


class Dropped(RetryLater):
    """The connection was lost: what it held, temporary tables among it, is gone."""


_LINE: tuple[tuple[tuple[type[Exception], ...], type[LyazureError], str, str], ...] = (
    (
        (socket.gaierror, UnicodeError),
        RetryLater,
        "The name {server} is not known to DNS",
        "Look for a typing error in the server's name, then at this machine's DNS",
    ),
    (
        (TimeoutError,),
        Dropped,
        "{server}:{port} does not answer",
        "Allow outgoing connections in the firewall; of Azure, to ports 1433 and 11000 to 11999",
    ),
    (
        (ConnectionRefusedError,),
        RetryLater,
        "Nobody listens at {server}:{port}",
        "Look at the server's name and port",
    ),
    ((SSL.Error, OSError, tds_base.ClosedConnectionError), Dropped, "The connection to {server} was lost", ""),
    (
        (tds_base.Error,),
        Fatal,
        "What answers at {server}:{port} does not speak as SQL Server does",
        "Look at the server's name and port",
    ),
)


class translated:
    """A `with` block in which errors on the way to SQL Server become ours.

    Args:
        what: what failed if it does, such as "The tables could not be listed".
        server, port: where, for the words.
    """

    def __init__(self, what: str, server: str, port: int) -> None:
        self._what, self._server, self._port = what, server, port

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, Exception) and not isinstance(error, LyazureError):
            ours = self.translate(error)
            if ours is not None:
                raise ours from None

    def translate(self, error: Exception) -> LyazureError | None:
        """Our error for another's; None for one that is not of the server or of the line."""
        if isinstance(error, tds_base.DatabaseError) and (error.number or error.severity):
            return self._said(error.number, error.severity, error.text)
        if isinstance(error, tds_base.Error) and "does not match host name" in str(error):
            return self._certificate(f"It is made out to another name than {self._server}")
        if isinstance(error, SSL.Error) and "certificate verify failed" in _reasons(error):
            return self._certificate("It is not signed by an authority that this machine knows")
        for types, kind, why, fix in _LINE:
            if isinstance(error, types):
                return kind(self._what, why=why.format(server=self._server, port=self._port), fix=fix)
        return None

    def _said(self, number: int, severity: int, text: str) -> LyazureError:
        """What an error of the server means."""
        if number in _LOGIN:
            return NotAuthorised(self._what, why=_LOGIN[number][0], fix=_LOGIN[number][1])
        if number == 40615:
            return self._firewall(text)
        kind, why, fix = _of_server(number, severity, _one_line(text))
        # The connection is of no use after a severe error, whatever it was about.
        return (Dropped if kind is RetryLater and severity >= _BROKEN else kind)(self._what, why=why, fix=fix)

    def _firewall(self, text: str) -> LyazureError:
        address = re.search(r"IP address '([0-9a-fA-F.:]+)'", text)
        who = f"this machine's address, which is {address[1]} as the server sees it" if address else "this machine"
        return NotAuthorised(
            self._what,
            why=f"The firewall of {self._server} does not let in {who}",
            fix="Allow the address in the portal: the server, Networking, Firewall rules. It takes up to five minutes",
        )

    def _certificate(self, why: str) -> LyazureError:
        return BadConfiguration(
            self._what,
            why=f"The certificate of {self._server} is not accepted. {why}",
            fix="Enter the server's own name. Where its authority is one of yours, name its file in CA File",
        )


def _of_server(number: int, severity: int, text: str) -> tuple[type[LyazureError], str, str]:
    """(our error, why, what to do) for an error that no login is about."""
    told = f"error {number}: {text}"
    if number in _CANNOT_OPEN:
        why = "The database cannot be opened: it is being moved or is starting, or it is not there, or the user may not"
        fix = "Look at the database's name, and at the user's rights in it"
        return RetryLater, f"{why} enter it (error {number})", fix
    if number in _PASSES:
        return RetryLater, f"{_PASSES[number]} (error {number})", ""
    if number in _DAMAGED:
        fix = "Ask an administrator of the database to run DBCC CHECKDB"
        return Fatal, f"What the server has stored is damaged ({told})", fix
    if number in _STATEMENT:
        kind, why, fix = _STATEMENT[number]
        return kind, f"{why} ({told})", fix
    if severity >= _RESOURCES:
        return RetryLater, f"The server has a fault of its own ({told})", ""
    return Fatal, f"SQL Server's {told}", ""


def _reasons(error: SSL.Error) -> str:
    return " ".join(str(part) for entry in (error.args[0] if error.args else ()) for part in entry)


def _one_line(text: str) -> str:
    return " ".join(text.split())[:300]
