"""The one place where errors of SQL Server, of pytds and of the line to the server become ours."""

from __future__ import annotations

import re
import socket
from types import TracebackType

from OpenSSL import SSL
from pytds import tds_base

from lytics_azure_tui.errors import BadConfiguration, Fatal, LyazureError, NotAuthorised, RetryLater

_RIGHTS = "Ask an administrator of the database for the right to read it: GRANT SELECT"

# learn.microsoft.com/azure/azure-sql/database/troubleshoot-common-errors-issues, and …/error-log for the first
_PASSES = {
    233: "The server closed the connection",
    1205: "The server chose this query as the victim of a deadlock",
    1222: "Somebody else holds a lock for too long",
    4221: "A copy of the database is not ready for reading yet",
    10928: "The database has no free workers or sessions",
    10929: "The server is too busy for this database",
    40197: "The service is moving the database, or had a fault of its own",
    40501: "The service is busy and asks for fewer requests",
    40613: "The database is not available at this moment; a paused one takes a minute to wake",
    49918: "The subscription has not enough resources at this moment",
    49919: "Too many databases are being made or changed",
    49920: "Too many operations are going on for the subscription",
}
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
_STATEMENT: dict[int, tuple[type[LyazureError], str, str]] = {
    207: (Fatal, "A column is not there", "Look whether it was renamed or removed, and change the job"),
    208: (Fatal, "The table is not there", "Look whether it was renamed or removed, and change the job"),
    229: (NotAuthorised, "The user may not read it", _RIGHTS),
    230: (NotAuthorised, "The user may not read one of the columns", _RIGHTS),
    297: (NotAuthorised, "The user lacks a right", _RIGHTS),
    300: (NotAuthorised, "The user lacks a right", _RIGHTS),
    916: (NotAuthorised, "The user may not enter the database", _RIGHTS),
    9002: (RetryLater, "The log of the database is full", ""),
    1105: (RetryLater, "The server has no space left for the temporary table", ""),
}


class Dropped(RetryLater):
    """The connection was lost: what it held, temporary tables among it, is gone."""


class CannotOpen(RetryLater):
    """The server is there, the database cannot be opened: it may be starting, or not exist."""


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
        if isinstance(error, tds_base.DatabaseError) and error.number:
            return self._said(error.number, error.text)
        if isinstance(error, tds_base.Error) and "does not match host name" in str(error):
            return self._certificate(f"It is made out to another name than {self._server}")
        if isinstance(error, SSL.Error) and "certificate verify failed" in _reasons(error):
            return self._certificate("It is not signed by an authority that this machine knows")
        for types, kind, why, fix in _LINE:
            if isinstance(error, types):
                return kind(self._what, why=why.format(server=self._server, port=self._port), fix=fix)
        return None

    def _said(self, number: int, text: str) -> LyazureError:
        """What an error that the server numbered means."""
        if number in _LOGIN:
            return NotAuthorised(self._what, why=_LOGIN[number][0], fix=_LOGIN[number][1])
        if number == 40615:
            return self._firewall(text)
        if number == 4060:
            why = "The database cannot be opened: it is not there, or the user may not enter it"
            return CannotOpen(self._what, why=why, fix="Look at the database's name, and at the user's rights in it")
        if number in _PASSES:
            return RetryLater(self._what, why=f"{_PASSES[number]} (error {number})")
        if number in _STATEMENT:
            kind, why, fix = _STATEMENT[number]
            return kind(self._what, why=f"{why} (error {number}: {_one_line(text)})", fix=fix)
        return Fatal(self._what, why=f"SQL Server's error {number}: {_one_line(text)}")

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


def _reasons(error: SSL.Error) -> str:
    return " ".join(str(part) for entry in (error.args[0] if error.args else ()) for part in entry)


def _one_line(text: str) -> str:
    return " ".join(text.split())[:300]
