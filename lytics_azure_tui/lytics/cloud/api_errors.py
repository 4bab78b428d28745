"""What goes wrong between Lytics' API and us, in errors of ours: what was refused, not done, or is unclear."""

from __future__ import annotations

import time
from collections.abc import Sequence
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from lytics_azure_tui.errors import BadConfiguration, Fatal, LyazureError, NotAuthorised, RetryLater
from lytics_azure_tui.model.secret import MASK

AGAIN = "If it stays so, look at the network and at Lytics' status page"
NOT_LYTICS = "Look at url and bulk_url under [lytics] in settings.toml, and for a proxy or a log-in page on the way"
NEW_TOKEN = "Make an API token in Lytics, then enter it with: lyazure-tui --lytics-token"  # noqa: S105 -- words


class Refused(Fatal):
    """Lytics understood the call and does not do it (400, 409, 413, 422 …).

    Attributes:
        words: what Lytics said.
    """

    words: str = ""


class NotThere(Refused):
    """Lytics has nothing of that name (404, 410)."""


class AnswerLost(RetryLater):
    """A write was sent, and whether Lytics took it is not known."""


class NotDone(RetryLater):
    """Nothing was done, and the same call may be answered later.

    Attributes:
        seconds: that Lytics asked to wait; None when it did not say.
    """

    seconds: float | None = None


class Throttled(NotDone):
    """Lytics asks for fewer calls (429): nothing was done."""


class Unclear(RetryLater):
    """The call was sent, and no answer of use came."""


def unanswered(error: httpx.HTTPError, what: str, host: str) -> LyazureError:
    """The error for a call that no answer came to."""
    if isinstance(error, httpx.ConnectError) and "CERTIFICATE" in str(error).upper():
        why = f"The certificate of {host} is not one that this machine trusts"
        return BadConfiguration(what, why=why, fix="Behind an inspecting proxy, name its certificate in SSL_CERT_FILE")
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout | httpx.ProxyError):
        return NotDone(what, why=f"{host} cannot be reached", fix=AGAIN)
    if isinstance(error, httpx.UnsupportedProtocol | httpx.LocalProtocolError):
        return Fatal(what, why=f"{host} cannot be called", fix=NOT_LYTICS)
    if isinstance(error, httpx.TimeoutException):
        return Unclear(what, why=f"{host} did not answer in time", fix=AGAIN)
    return Unclear(what, why=f"The connection to {host} was cut", fix=AGAIN)


def answered(answer: httpx.Response, words: str, what: str, host: str) -> LyazureError:
    """The error for an answer that is none that was hoped for; `words` are those that it holds."""
    status = answer.status_code
    told = f"{host} answered {status}" + (f": {words}" if words else "")
    if status == 401:
        why = f"Lytics does not accept the API token that is kept for {host} (lytics, api_token)"
        return NotAuthorised(what, why=why, fix=NEW_TOKEN)
    if status == 403:
        return NotAuthorised(what, why=f"The API token may not do this. {told}", fix=NEW_TOKEN)
    pause = _seconds(answer.headers.get("Retry-After"))
    if status == 429 or (status == 503 and pause is not None):
        # Whoever says when to come again has not done it. Of other errors of a server, nobody can tell.
        throttled = status == 429
        why = "Lytics asks for fewer calls" if throttled else told
        asked = (Throttled if throttled else NotDone)(what, why=why, fix=AGAIN)
        asked.seconds = pause
        return asked
    if status >= 500 or status == 408:
        return Unclear(what, why=told, fix=AGAIN)
    if status < 400:
        return Fatal(what, why=told, fix=NOT_LYTICS)
    kind = NotThere if status in (404, 410) else Refused
    refused = kind(what, why=told)
    refused.words = words
    return refused


def words_of(found: Any) -> str:
    """What Lytics says, in either version: {message} or {errors: [{code, message}]}."""
    if not isinstance(found, dict):
        return ""
    errors = found.get("errors")
    if isinstance(errors, list):
        said = [error for error in errors if isinstance(error, dict)]
        return "; ".join(" ".join(filter(None, (_text(e.get("code")), _text(e.get("message"))))) for e in said)
    return _text(found.get("message"))


def _text(value: Any) -> str:
    return " ".join(value.split())[:500] if isinstance(value, str) else ""


def _seconds(header: str | None) -> float | None:
    if not header:
        return None
    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(header).timestamp() - time.time())
    except (TypeError, ValueError):
        return None


def without(text: str, secrets: Sequence[str]) -> str:
    """A text in which no secret stands, nor the beginning of one at its end, where long words were cut."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, MASK)
        begun = next((length for length in range(len(secret) - 1, 7, -1) if text.endswith(secret[:length])), 0)
        text = text[: len(text) - begun] + MASK if begun else text
    return text
