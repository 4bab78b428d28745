"""What the columns of a stream suggest: which user fields they could become, by their names and some of their values.

A suggestion is a beginning for a person to judge. What would harm if it were wrong is left out: an identifier that many
people share, such as the id of a product, would make one profile of them all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from unicodedata import combining, normalize

from lytics_azure_tui.model.language.tokens import written_name
from lytics_azure_tui.model.mapping import Affinity, FieldRule
from lytics_azure_tui.model.user_field import SCORES, FieldKind, Merge, UserField

Sample = Sequence[str | None]
"""Some values of a column; None where an event has none."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What a column could become.

    Attributes:
        column: of the stream.
        rule: the user field, or the interest.
        reason: in a few words, for people.
        plain: whether it says no more than that the column is text: to be taken only when a person asks for it.
    """

    column: str
    rule: FieldRule | Affinity
    reason: str
    plain: bool = False


def suggest(column: str, values: Sample = (), *, stream: str = "", known: Iterable[UserField] = ()) -> Suggestion:
    """What one column could become.

    Args:
        values: some of the column's.
        stream: its name may say what an `id` is of.
        known: fields of other mappings; one of the same name is taken as it is there.
    """
    about = _About(column, _words(column), [value.strip() for value in values if value and value.strip()], stream)
    guess = next(found for look in _LOOKS if (found := look(about)) is not None)
    return _agreeing(_suggestion(column, guess, written_name(column)), {field.name: field for field in known})


def suggestions(
    columns: Sequence[str],
    values: Mapping[str, Sample],
    *,
    stream: str = "",
    known: Iterable[UserField] = (),
    taken: Iterable[str] = (),
) -> list[Suggestion]:
    """All that a stream's columns suggest, in their order.

    Args:
        values: some of each column's.
        taken: user fields that the mapping has already; they are not suggested again.
    """
    found = list[Suggestion]()
    names = {name.casefold() for name in taken}
    fields = list(known)
    for column in columns:
        made = suggest(column, values.get(column, ()), stream=stream, known=fields)
        if not _words(column):
            made = _renamed(made, names)
        if not made.plain and made.rule.field.casefold() not in names:
            names.add(made.rule.field.casefold())
            found.append(made)
    return found


class _About(NamedTuple):
    """A column, and what there is to judge it by."""

    column: str
    words: tuple[str, ...]
    values: list[str]
    stream: str

    def named(self, words: frozenset[str]) -> bool:
        return not words.isdisjoint(self.words)

    def share(self, pattern: re.Pattern[str]) -> float:
        """How many of the values are of a form, as a share; 0 without values."""
        return sum(map(bool, map(pattern.fullmatch, self.values))) / len(self.values) if self.values else 0.0

    def mostly(self, pattern: re.Pattern[str]) -> bool:
        return self.share(pattern) >= MOSTLY


class _Guess(NamedTuple):
    reason: str
    kind: FieldKind = FieldKind.STRING
    merge: Merge | None = None
    expression: str = "{}"
    name: str = ""
    rank: int | None = None
    interest: bool = False
    plain: bool = False


MOSTLY = 0.8
"""The share of values that have to be of a form: a few wrong ones are in every file."""

_EMAIL = re.compile(r"[^\s@,;]+@[^\s@,;]+\.[^\s@,;.]+")
_INT = re.compile(r"[+-]?(0|[1-9]\d{0,17})")
_NUMBER = re.compile(r"[+-]?(0|[1-9]\d*)?(\.\d+)?([eE][+-]?\d+)?(?<=\d)")
_DATE = re.compile(r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}([T ]\d{1,2}:\d{2}.*)?|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}( \d{1,2}:.*)?")
_WRITTEN_DATE = re.compile(r"([A-Z][a-z]{2,8},? )?(\d{1,2} [A-Z][a-z]{2,8}|[A-Z][a-z]{2,8} \d{1,2},?) \d{4}.*")
_UNIX = re.compile(r"\d{10}(\d{3}|\d{6}|\d{9})?(\.\d+)?")
_BOOL = re.compile(r"true|false|yes|no|y|n|t|f", re.IGNORECASE)
_DIGITS = re.compile(r"\d+")
_BIT = re.compile(r"[01]")
_URL = re.compile(r"(https?://|www\.)\S+|/\S*", re.IGNORECASE)

_KEYS = frozenset({"id", "key", "uid", "guid", "uuid", "number", "no", "nr", "num", "ref"})
_PERSONS = frozenset(
    {
        *("customer", "user", "member", "person", "contact", "client", "subscriber", "profile"),
        *("loyalty", "crm", "shopper", "patient", "student", "donor"),
    }
)
_QUALIFIERS = frozenset({"external", "internal", "global", "master", "source"})
_TRACES = frozenset({"visitor", "cookie", "device", "anonymous", "anon", "browser", "ga", "idfa", "seer"})
_TIME_WORDS = frozenset(
    {"at", "on", "date", "time", "timestamp", "ts", "day", "when", "born", "birthday", "birthdate", "dob", "since"}
)
_FIRSTS = frozenset(
    {"created", "signup", "registered", "joined", "first", "since", "opened", "installed", "subscribed"}
)
_LASTS = frozenset({"last", "latest", "login", "seen", "visit", "visited", "updated", "modified", "changed"})
_BIRTHS = frozenset({"birth", "born", "birthday", "birthdate", "dob"})
_AMOUNTS = frozenset(
    {
        *("amount", "total", "price", "revenue", "spend", "spent", "cost", "paid", "quantity", "qty", "subtotal"),
        *("discount", "seconds", "minutes", "duration", "units", "sales", "payment", "tax", "tip"),
    }
)
_STANDINGS = frozenset(
    {
        *("lifetime", "ltv", "clv", "balance", "average", "avg", "mean", "score", "age", "rating", "points", "level"),
        *("lat", "latitude", "lon", "lng", "longitude", "limit", "percent", "share", "rate", "year", "rank"),
    }
)
"""Numbers that say how things stand; adding them up would say nothing."""
_CODES = frozenset(
    {
        *("zip", "postcode", "postal", "plz", "code", "sku", "ean", "isbn", "iban", "vat", "ip", "phone", "mobile"),
        *("fax", "tel", "telephone", "cell", "msisdn", *_KEYS),
    }
)
"""Text, also where it is made of digits."""
_TOPICS = frozenset(
    {"category", "topic", "section", "genre", "department", "theme", "subject", "interest", "collection"}
)
_LISTS = frozenset({"tag", "tags", "label", "labels", "interests", "topics", "categories", "skills", "lists", "groups"})
_TRAITS = frozenset(
    {
        *("name", "firstname", "lastname", "surname", "title", "gender", "sex", "salutation", "language", "locale"),
        *("city", "town", "country", "state", "province", "region", "county", "zip", "postcode", "postal", "plz"),
        *("street", "address", "timezone", "company", "employer", "organization", "organisation", "job", "role"),
        *("tier", "plan", "segment", "status", "level", "source", "medium", "campaign", "channel", "device", "browser"),
        *("os", "platform", "currency", "store", "brand", "phone", "mobile", "telephone", "industry", "nationality"),
    }
)
_EVENTS = frozenset({"event", "action", "activity"})
_FLAGS = frozenset(
    {
        *("is", "has", "opt", "opted", "optin", "consent", "consented", "subscribed", "newsletter", "active"),
        *("enabled", "allowed", "verified", "flag"),
    }
)
_SEPARATORS = (";", "|", ",")


def _email(about: _About) -> _Guess | None:
    named = about.named(frozenset({"email", "mail"})) and (not about.values or about.share(_EMAIL) > 0.3)
    if not named and not about.mostly(_EMAIL):
        return None
    if set(about.words) <= {"email", "address", "addr", *_PERSONS}:
        return _Guess("e-mail addresses", expression="email({})", name="email", rank=1)
    # It may be somebody else's: a friend's, a seller's.
    return _Guess("e-mail addresses", expression="email({})")


def _identity(about: _About) -> _Guess | None:
    words = about.words
    if about.named(_EVENTS) or not words:
        return None
    is_key = words[-1] in _KEYS
    if is_key and len(words) == 1:
        # An `id` is of what the stream is about.
        person = next((word for word in reversed(_words(about.stream)) if _single(word) in _PERSONS), "")
        return _Guess("tells whose it is", name=f"{_single(person)}_{words[0]}", rank=2) if person else None
    of = set(words[:-1]) if is_key else {words[-1].removesuffix("id"), *words[:-1]} if words[-1][-2:] == "id" else set()
    # The id of a referring user is another person's, and that of an account's manager is shared by many.
    if of and of <= _PERSONS | _QUALIFIERS:
        return _Guess("tells whose it is", rank=2)
    if of and of <= _TRACES | _QUALIFIERS:
        # A person has several.
        return _Guess("tells which device it was", FieldKind.STRINGS, rank=4)
    return None


def _time(about: _About) -> _Guess | None:
    written = about.mostly(_DATE) or about.mostly(_WRITTEN_DATE)
    if not written and not (about.named(_TIME_WORDS | _FIRSTS | _LASTS) and about.mostly(_UNIX)):
        return None
    if about.named(_BIRTHS):
        return _Guess("dates", FieldKind.DATE, Merge.LATEST, "todate({})")
    if about.named(_FIRSTS):
        return _Guess("dates, the earliest of them", FieldKind.DATE, Merge.MIN, "todate({})")
    return _Guess("dates, the last of them", FieldKind.DATE, Merge.MAX, "todate({})")


def _flag(about: _About) -> _Guess | None:
    if about.mostly(_BOOL) or (about.named(_FLAGS) and about.mostly(_BIT)):
        return _Guess("yes or no", FieldKind.BOOL, Merge.LATEST, "tobool({})")
    return None


def _code(about: _About) -> _Guess | None:
    """Digits that are no quantity; a zero in front would be lost."""
    padded = about.mostly(_DIGITS) and any(value.startswith("0") and len(value) > 1 for value in about.values)
    if not padded and not (about.words and about.named(_CODES) and (about.mostly(_NUMBER) or about.words[-1] in _KEYS)):
        return None
    return _Guess("text", plain=not about.named(_TRAITS))


def _quantity(about: _About) -> _Guess | None:
    if not about.mostly(_NUMBER):
        return None
    whole = about.mostly(_INT) and all(map(_INT.fullmatch, filter(_NUMBER.fullmatch, about.values)))
    kind = FieldKind.INT if whole else FieldKind.NUMBER
    if about.named(_AMOUNTS) and not about.named(_STANDINGS):
        # Prices are whole in some rows only.
        counts = about.named(frozenset({"quantity", "qty", "units", "seconds", "minutes", "duration"}))
        return _Guess("amounts, added up", kind if counts else FieldKind.NUMBER, Merge.SUM)
    return _Guess("numbers, the latest", kind, Merge.LATEST)


def _several(about: _About) -> _Guess | None:
    if not about.named(_LISTS) or not about.values:
        return None
    for separator in _SEPARATORS:
        several = [value for value in about.values if separator in value]
        if len(several) * 5 >= len(about.values):
            if all(value.count(separator) == value.count(f"{separator} ") for value in several):
                separator += " "  # noqa: PLW2901 -- else each value but the first would begin with it
            words = {";": "semicolons", "|": "bars", ",": "commas"}[separator[0]]
            return _Guess(f"lists, cut at {words}", FieldKind.STRINGS, Merge.MERGE, f'split({{}}, "{separator}")')
    return None


def _topic(about: _About) -> _Guess | None:
    if not about.words or _single(about.words[-1]) not in _TOPICS or about.mostly(_URL):
        return None
    return _Guess("topics: an interest for each", name="_".join((*about.words, "interest")), interest=True)


def _deed(about: _About) -> _Guess | None:
    named = bool(about.words) and about.words[0] in _EVENTS and set(about.words[1:]) <= {"name", "type", "kind"}
    if not named or about.mostly(_URL):
        return None
    return _Guess("how often each occurs", FieldKind.MAP_INT, Merge.VALUECT, name="_".join((*about.words, "counts")))


def _trait(about: _About) -> _Guess | None:
    long = sum(len(value) > 120 for value in about.values)
    if about.named(_TRAITS) and not long and not about.mostly(_URL):
        return _Guess("says something about the person", merge=Merge.LATEST)
    return None


def _text(about: _About) -> _Guess:
    return _Guess("text", plain=True)


_LOOKS: tuple[Callable[[_About], _Guess | None], ...] = (
    *(_email, _identity, _time, _flag, _code, _quantity, _several, _topic, _deed, _trait, _text),
)
"""The first that knows the column."""


def _suggestion(column: str, guess: _Guess, written: str) -> Suggestion:
    name = guess.name or field_name(column)
    # A format string would read braces that belong to the column's name.
    expression = guess.expression.replace("{}", written)
    if guess.interest:
        return Suggestion(column, Affinity(field=name, expression=expression), guess.reason)
    rule = FieldRule(
        field=name,
        expression=expression,
        kind=guess.kind,
        merge=None if guess.merge is guess.kind.merges[0] else guess.merge,
        identifier=guess.rank is not None,
        rank=guess.rank or 1,
    )
    return Suggestion(column, rule, guess.reason, guess.plain)


def _agreeing(made: Suggestion, known: Mapping[str, UserField]) -> Suggestion:
    """As a field of this name is in the other mappings, as it can be only one thing."""
    field = known.get(made.rule.field)
    if field is None:
        return made
    if isinstance(made.rule, Affinity) or field.merge is None:
        is_same = isinstance(made.rule, Affinity) and field.merge is None
        return made if is_same else _renamed(made, known)
    update = {"kind": field.kind, "merge": field.merge, "identifier": field.identifier}
    return Suggestion(made.column, made.rule.model_copy(update=update), f"{made.reason}; as in another stream")


def _renamed(made: Suggestion, taken: Container[str]) -> Suggestion:
    """With a number behind the field's name, where that is taken."""
    name, number = made.rule.field, 1
    while name in taken:
        number += 1
        name = f"{made.rule.field}_{number}"
    return Suggestion(made.column, made.rule.model_copy(update={"field": name}), made.reason, made.plain)


def field_name(column: str) -> str:
    """A name for a user field: small letters, digits and underscores, a letter first; no name of a score."""
    name = "_".join(_words(column)) or "field"
    name = name if name[0].isalpha() else f"field_{name}"
    return (f"stream_{name}" if name in SCORES else name)[:100]


def _words(name: str) -> tuple[str, ...]:
    """The words of a column's name: `customerID`, `Customer ID` and `customer_id` have the same two."""
    bare = "".join(sign for sign in normalize("NFKD", name) if not combining(sign))
    split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", bare)
    words = tuple(re.findall(r"[a-z0-9]+", split.casefold()))
    return tuple("email" if word in {"emails", "mail"} else word for word in _joined(words))


def _joined(words: tuple[str, ...]) -> tuple[str, ...]:
    """E-mail is one word."""
    at = next((place for place in range(len(words) - 1) if words[place : place + 2] == ("e", "mail")), None)
    return words if at is None else (*words[:at], "email", *words[at + 2 :])


def _single(word: str) -> str:
    """A word without its plural's ending."""
    if word.endswith("ies"):
        return f"{word[:-3]}y"
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word
