"""A saved job: which kind it is, by which authorization, and that kind's own configuration."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SerializeAsAny

from lytics_azure_tui.errors import BadConfiguration
from lytics_azure_tui.model.authorization import Authorization
from lytics_azure_tui.model.form import Ask, questions
from lytics_azure_tui.model.names import follows
from lytics_azure_tui.model.schedule import Schedule


class JobConfig(BaseModel):
    """The configuration of one kind of job; a kind is a subclass in model/ and a module in jobs/.

    Attributes:
        workflow: the kind's name in Lytics' API, and in the job's file.
        title: the kind's name on screens.
        summary: one sentence for the list of kinds.
        methods: authorization methods that can carry it.
        module: the module that plans, does and commits it.
        start: the word on the button that saves and runs it.
        deed: what it has done with its rows, in one word.
        reads_definitions: whether its runs need the mappings and audiences.
        asks_how_to_go_on: whether its schedule stops with a question, which `runner.service.answer` answers.
        follows_profiles: whether it is due whenever profiles were built, beside its schedule.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    workflow: ClassVar[str]
    title: ClassVar[str]
    summary: ClassVar[str]
    methods: ClassVar[tuple[str, ...]]
    module: ClassVar[str]
    start: ClassVar[str]
    deed: ClassVar[str] = "imported"
    reads_definitions: ClassVar[bool] = False
    follows_profiles: ClassVar[bool] = False
    asks_how_to_go_on: ClassVar[bool] = False

    @classmethod
    def preview(
        cls, answers: Mapping[str, Any], authorization: Authorization | None, moment: datetime
    ) -> Mapping[str, str]:
        """What some answers of the form come to, by question: shown below each while it is answered.

        Args:
            answers: as they stand; any may be wrong.
            moment: now.
        """
        return {}

    def schedule(self) -> Schedule | None:
        """When it repeats; None for a job that runs once."""
        return None

    def ignored(self) -> dict[str, tuple[str, str]]:
        """Keys that say something and do not count, each with what that is and what to do.

        A file may hold them; a form writes none.
        """
        schedule, found, out = self.schedule(), dict[str, tuple[str, str]](), "take the line out"
        for question in questions(type(self)):
            name, needed = question.name, question.ask.only_if
            if getattr(self, name) == question.default:
                continue
            if needed is not None and not getattr(self, needed):
                found[name] = f"this has no effect without {needed} = true", f"Write {needed} = true, or {out}"
            elif name in ("run_frequency", "time_of_day", "timezone") and schedule is None:
                found[name] = "this has no effect: the job runs once", out.capitalize()
            elif name == "time_of_day" and schedule is not None and schedule.time_of_day is None:
                found[name] = "this has no effect on a job that runs every hour", f"Choose daily, or {out}"
        return found

    def tolerated(self) -> int:
        """The percentage of a run's rows that may be unusable without the run failing."""
        return 100

    def audiences(self) -> tuple[str, ...]:
        """The slugs of the audiences that a run reads."""
        return ()


class HandedOver(BaseModel):
    """Where a job runs that was handed over to Lytics: the table [lytics] of its file.

    Attributes:
        mark: by which the job is found there when it is not known whether it was made.
        job: its id there; None while it is not known.
        auth: the id there of the authorization that was made for it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    mark: Annotated[str, AfterValidator(follows("[0-9a-f]*", "digits and a to f", least=0, most=64))] = ""
    job: str | None = Field(default=None, min_length=1)
    auth: str | None = Field(default=None, min_length=1)


class Job(BaseModel):
    """A job as saved.

    Attributes:
        id: the name of its file without the ending; the ledger's key. Never changes.
        authorization: the id of an authorization.
        enabled: whether the scheduler may start it.
        lytics: there for a job that runs at Lytics, and not here. `Folder.save_handed` alone writes it, so that no form
            that knows nothing of it takes it away.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(exclude=True, pattern=r"^[a-z0-9][a-z0-9_-]*$")
    label: Annotated[str, Field(min_length=1), Ask("Label", "The name by which you will know this job.")]
    description: Annotated[str, Ask("Description", "What it is for, whom to ask about it.")] = ""
    workflow: str
    authorization: str
    enabled: bool = True
    config: SerializeAsAny[JobConfig]
    lytics: HandedOver | None = Field(default=None, exclude=True)

    def require_here(self) -> None:
        """Raises `BadConfiguration` for a job that was handed over: nothing of it is run here."""
        if self.lytics is not None:
            raise BadConfiguration(
                f"{self.label} does not run here",
                why="It was handed over, and runs at Lytics",
                fix=f"Start and pause it there, from its page; or take it back: lyazure-tui --take-back {self.id}",
            )

    def spec(self) -> dict[str, Any]:
        """The job as plain data, its id included: what a run is frozen with."""
        return {"id": self.id, **self.model_dump(mode="json")}


def slug(label: str, empty: str = "job") -> str:
    """A file name for a label: lower case letters, digits and hyphens; `empty` when nothing is left."""
    return re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-")[:60] or empty
