"""What the fields with live choices have to offer as answers change: known, under way, or stale."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from lytics_azure_tui.errors import LyazureError
from lytics_azure_tui.model.form import Question, Source
from lytics_azure_tui.tui.answers import blank

if TYPE_CHECKING:
    from lytics_azure_tui.jobs.choices import Choice

Key = tuple[object, ...]


class State(Enum):
    """How far the choices are."""

    WAITING = "waiting"
    """For other answers."""
    UNASKED = "unasked"
    LOADING = "loading"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Offer:
    """The choices of one field.

    Attributes:
        words: of a field that waits, for what; of one that failed, why; of one without choices, how to make one.
    """

    state: State
    choices: tuple[Choice, ...] = ()
    words: str = ""

    def matching(self, typed: str) -> list[Choice]:
        """The choices that contain what was typed, those that begin with it first, likely ones before others."""
        wanted = typed.strip().casefold()
        found = [choice for choice in self.choices if wanted in choice.words.casefold()]
        return sorted(found, key=lambda choice: (not choice.words.casefold().startswith(wanted), not choice.likely))

    def unknown(self, answer: object) -> list[str]:
        """What was answered and is not among the choices."""
        given = [answer] if isinstance(answer, str) else list(answer) if isinstance(answer, Iterable) else []
        known = {choice.value for choice in self.choices}
        return [str(value) for value in given if str(value) not in known]


@dataclass
class Offers:
    """The offers of a form. An answer that they depend on gives them another key, and an old result its old one.

    Attributes:
        questions: of the whole form.
    """

    questions: Sequence[Question]
    _known: dict[Key, Offer] = field(default_factory=dict)

    def key(self, question: Question, answers: Mapping[str, Any], authorization: str) -> Key:
        """What the choices of a question depend on, as it stands. Questions with the same key share their choices."""
        needs = tuple(str(answers.get(name) or "") for name in question.ask.needs)
        away = question.ask.source in FROM_AZURE
        return (question.ask.source, authorization if away else "", *needs)

    def now(self, question: Question, answers: Mapping[str, Any], authorization: str) -> Offer:
        """The offer for a question, as things stand."""
        missing = self._missing(question, answers)
        if missing:
            return Offer(State.WAITING, words=f"choose {' and '.join(missing)} first")
        return self._known.get(self.key(question, answers, authorization), Offer(State.UNASKED))

    def begin(self, key: Key) -> None:
        """The choices are asked for."""
        self._known[key] = Offer(State.LOADING)

    def arrived(self, key: Key, choices: Iterable[Choice]) -> None:
        """The choices are there."""
        found = tuple(choices)
        self._known[key] = Offer(State.READY, found, "" if found else EMPTY.get(key[0], ""))

    def failed(self, key: Key, error: LyazureError) -> None:
        """They are not to be had."""
        self._known[key] = Offer(State.FAILED, words=str(error))

    def sharing(self, key: Key, answers: Mapping[str, Any], authorization: str) -> list[Question]:
        """The questions that these choices are for, as things stand: none when the choices are stale."""
        return [
            question
            for question in self.questions
            if question.ask.source is not None and self.key(question, answers, authorization) == key
        ]

    def depending(self, name: str) -> list[Question]:
        """The questions whose choices are others when this one is answered anew."""
        return [question for question in self.questions if name in question.ask.needs]

    def _missing(self, question: Question, answers: Mapping[str, Any]) -> list[str]:
        # A question that has a default stands for it when it is left empty.
        by_name = {other.name: other for other in self.questions}
        needed = (by_name[name] for name in question.ask.needs if name in by_name)
        return [other.ask.label for other in needed if other.required and blank(answers.get(other.name))]


BROWSED = frozenset({Source.BLOBS, Source.TABLES})
"""Sources with too many choices for a list below a line: each has a browser."""
FROM_AZURE = BROWSED | {Source.CONTAINERS, Source.COLUMNS, Source.TIME_COLUMNS, Source.PREFIXES}
"""Sources that need an authorization with its secrets."""
EMPTY: dict[object, str] = {
    Source.AUDIENCES: "no audiences yet: ctrl+p, then Audiences, is where they are made; 1 comes back here"
}
"""By source, what to do where nothing is there to choose from."""
