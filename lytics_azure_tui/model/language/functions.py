"""The functions of the language: what they take, and what they are for. Their SQL is in `lytics.language.functions`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum


class Takes(Enum):
    """What can stand as an argument; text that is a number or a date is read as one."""

    TEXT = "text"
    NUMBER = "a number"
    DATE = "a date"
    LIST = "a list"
    MAP = "a map"
    VALUE = "a value"
    WRITTEN = "text in quotes"


_TAKES = {
    **dict.fromkeys(
        ("text", "old", "new", "part", "prefix", "suffix", "separator", "key", "url", "address"), Takes.TEXT
    ),
    **dict.fromkeys(("number", "power", "digits", "position", "start", "end"), Takes.NUMBER),
    **dict.fromkeys(("format", "name", "beginning", "pattern"), Takes.WRITTEN),
    "date": Takes.DATE,
    "list": Takes.LIST,
    "map": Takes.MAP,
    "value": Takes.VALUE,
}


@dataclass(frozen=True, slots=True)
class Function:
    """A function.

    Attributes:
        signature: its name and what it takes, as people see it: "replace(text, old, [new])". What is in square brackets
            may be left out; what stands before … may be repeated.
        help: one sentence.
    """

    signature: str
    help: str

    @property
    def name(self) -> str:
        return self.signature.partition("(")[0]

    @property
    def takes(self) -> tuple[Takes, ...]:
        """What each parameter takes."""
        return tuple(_TAKES[name] for name in re.findall(r"\w+", self.signature.partition("(")[2]))

    @property
    def least(self) -> int:
        """How many arguments it must have."""
        return len(self.takes) - self.signature.count("[")

    @property
    def most(self) -> int | None:
        """How many it may have; None for any number."""
        return None if "…" in self.signature else len(self.takes)

    def taken(self, position: int, arguments: int) -> Takes:
        """What the argument at a position takes, from 0, of so many."""
        takes = self.takes
        missing = len(takes) - arguments
        if missing > 0 and "([" in self.signature:
            return takes[position + missing]
        if missing < 0:
            repeated = self.signature[: self.signature.index("…")].count(",") - 1
            position = position if position <= repeated else max(repeated, position + missing)
        return takes[position]


_LIST: tuple[Function, ...] = (
    # Text
    Function("tolower(text)", "The text in lower case."),
    Function("toupper(text)", "The text in upper case."),
    Function("trim(text)", "The text without spaces, tabs and line breaks at its ends."),
    Function("len(value)", "How many characters a text has, or elements a list or a map."),
    Function("replace(text, old, [new])", "The text with each old part replaced by a new one, or taken out."),
    Function("split(text, separator)", "A list of the parts between separators."),
    Function("join(value, …, separator)", "The texts, and the elements of lists, as one text with separators between."),
    Function("string.substr(text, start, [end])", "The characters from start, counted from 0, up to before end."),
    Function("string.index(text, part)", "Where a part begins in a text, counted from 0."),
    Function("contains(text, part)", "Whether the part is in the text."),
    Function("hasprefix(text, prefix)", "Whether the text begins with the prefix."),
    Function("hassuffix(text, suffix)", "Whether the text ends with the suffix."),
    # Addresses
    Function("email(address)", "The e-mail address in lower case, taken out of “Ada <ada@example.com>” if need be."),
    Function("emaildomain(address)", "What stands behind the @ of an e-mail address."),
    Function("emailname(address)", "The name before an e-mail address: Ada, in “Ada <ada@example.com>”."),
    Function("host(url)", "The host of a web address: www.example.com."),
    Function("domain(url)", "The domain of a web address without subdomains: example.com."),
    Function("path(url)", "The path of a web address, in lower case: /blog/index.html."),
    Function("qs(url, name)", "The value of a parameter of a web address."),
    Function("urlmain(url)", "A web address without scheme, parameters and fragment."),
    Function("urlminusqs(url, name)", "A web address without one of its parameters."),
    Function("urldecode(text)", "The text with %20 and its like decoded."),
    # Kinds
    Function("tostring(value)", "The value as text."),
    Function("toint(value)", 'The whole number in a value, cut at the point; "$5,555.75" is 5555.'),
    Function("tonumber(value)", 'The number in a value; "$5,555.75" is 5555.75.'),
    Function("tobool(value)", "Whether a value says true, yes or 1; it must say either this or the opposite."),
    Function(
        "todate([format], value)", 'The date in a value, in any usual form or one like "%d.%m.%Y" or "02.01.2006".'
    ),
    # Dates
    Function("now()", "In a filter the time at which it is evaluated; in a mapping the time of the event."),
    Function("totimestamp(date)", "A date as unix time, in seconds."),
    Function("yy([date])", "The last two digits of the year, of now if no date is given; all dates are in UTC."),
    Function("mm([date])", "The month, from 1 to 12."),
    Function("monthofyear([date])", "The month, from 1 to 12."),
    Function("yymm([date])", "Year and month as text: 2607."),
    Function("dayofweek([date])", "The day of the week, from 0 for Sunday to 6."),
    Function("hourofday([date])", "The hour, from 0 to 23."),
    Function("hourofweek([date])", "The hour of the week, from 0 to 167, from Sunday on."),
    Function("strftime(date, format)", 'The date as text, in a form such as "%Y-%m".'),
    Function("extract(date, format)", "The same as strftime."),
    # Choices
    Function("oneof(value, value, …)", "The first value that is there, and is not empty, 0 or false."),
    Function("any(value, …)", "Whether at least one value is there."),
    Function("all(value, …)", "Whether every value is there, and none is 0 or false."),
    Function("eq(value, value)", "Whether two values are equal."),
    Function("ne(value, value)", "Whether two values are not equal."),
    Function("gt(value, value)", "Whether the first is greater."),
    Function("ge(value, value)", "Whether the first is greater, or equal."),
    Function("lt(value, value)", "Whether the first is less."),
    Function("le(value, value)", "Whether the first is less, or equal."),
    # Numbers
    Function(
        "round(number, [digits])", "The nearest number with so many digits behind the point, 0 if it is not said."
    ),
    Function("floor(number)", "The whole number below."),
    Function("ceil(number)", "The whole number above."),
    Function("sqrt(number)", "The square root."),
    Function("pow(number, power)", "The number raised to a power."),
    # Lists and maps
    Function("array.index(list, position)", "The element at a position, from 0; from -1 backwards, from the end."),
    Function("array.slice(list, start, [end])", "The elements from start, counted from 0, up to before end."),
    Function("map(key, value)", "A map with one key."),
    Function("maptime(key, [date])", "A map from a key, in lower case, to a date; to now if none is given."),
    Function("mapkeys(map)", "The keys of a map."),
    Function("mapvalues(map)", "The values of a map, as texts."),
    Function(
        "match(beginning)", "A map of the fields whose names begin so, by what follows: utm_ gives source, medium …"
    ),
    Function("filter(value, pattern, …)", "A list without elements, or a map without keys, that are LIKE a pattern."),
    Function(
        "filtermatch(value, pattern, …)", "Only the elements of a list, or keys of a map, that are LIKE a pattern."
    ),
    # Hashes
    Function("hash(text)", "A whole number made of a text, the same at all times; not the one that Lytics makes."),
    Function("md5(text)", "The MD5 of a text, in hexadecimal."),
    Function("sha1(text)", "The SHA-1 of a text, in hexadecimal."),
    Function("sha256(text)", "The SHA-256 of a text, in hexadecimal."),
    Function("encoding.b64encode(text)", "A text in Base64."),
    Function("encoding.b64decode(text)", "The text that was encoded in Base64."),
)

FUNCTIONS: dict[str, Function] = {function.name: function for function in _LIST}
"""All functions, by name, in the order in which help shows them."""

ALIASES: dict[str, str] = {
    "strip": "trim",
    "char_length": "len",
    "string.strip": "trim",
    "string.split": "split",
    "string.lowercase": "tolower",
    "string.uppercase": "toupper",
    "qs2": "qs",
    "qsl": "qs",
    "hash.sip": "hash",
    "hash.md5": "md5",
    "hash.sha1": "sha1",
    "hash.sha256": "sha256",
}
"""Other names that Lytics has for some of them."""
