"""How figures and times are written on the screens."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo


def count(number: int) -> str:
    """A whole number with groups of three digits: 1,234,567."""
    return f"{number:,}"


def duration(span: timedelta | float) -> str:
    """A length of time by its two largest units: 2 h 05 min, 3 d 4 h, 42 s."""
    seconds = int(span.total_seconds() if isinstance(span, timedelta) else span)
    if seconds < 60:
        return f"{max(seconds, 0)} s"
    minutes, seconds = divmod(seconds, 60)
    if minutes < 60:
        return f"{minutes} min {seconds:02d} s" if minutes < 10 else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes:02d} min"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if days < 10 else f"{days} d"


def when(moment: datetime | None, now: datetime, zone: tzinfo | None) -> str:
    """A moment in the operator's zone, as short as the day allows: 14:05, Tue 14:05, 24 Nov, 2025-11-24."""
    if moment is None:
        return "—"
    local, today = moment.astimezone(zone), now.astimezone(zone)
    days = abs((local.date() - today.date()).days)
    if days == 0:
        return f"{local:%H:%M}"
    if days < 6:
        return f"{local:%a %H:%M}"
    if days < 300:
        return f"{local.day} {local:%b}"
    return f"{local:%Y-%m-%d}"


def relative(moment: datetime, now: datetime) -> str:
    """How far a moment is, by one unit, as more would only tick: in 12 min, 3 h ago, in <1 min, now."""
    seconds = int((moment - now).total_seconds())
    if seconds == 0:
        return "now"
    far = abs(seconds)
    unit, name = next(((unit, name) for unit, name in ((86400, "d"), (3600, "h"), (60, "min")) if far >= unit), (1, ""))
    words = f"{far // unit} {name}" if name else "<1 min"
    return f"in {words}" if seconds > 0 else f"{words} ago"


def stamp(moment: datetime | None, zone: tzinfo | None) -> str:
    """A moment in full, with its zone: 2026-11-24 14:05:09 CET."""
    return "—" if moment is None else f"{moment.astimezone(zone):%Y-%m-%d %H:%M:%S %Z}"


def rough(number: int) -> str:
    """A whole number in at most eight characters: 999,999 or 12.3 M."""
    if number < 1_000_000:
        return count(number)
    amount, unit = (number / 1e6, "M") if number < 999_500_000 else (number / 1e9, "bn")
    digits = 2 if amount < 9.995 else 1 if amount < 99.95 else 0
    return f"{amount:,.{digits}f} {unit}"
