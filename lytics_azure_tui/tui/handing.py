"""What is said before a job is handed over or taken back: which fields go, which stay, and what will be otherwise."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lytics_azure_tui.lytics.servers import Sent
from lytics_azure_tui.model.authorization import Authorization
from lytics_azure_tui.model.form import questions
from lytics_azure_tui.model.job import Job

START = (
    "Lytics keeps the secret for as long as the job is there. The job starts there at once, and from then on nothing "
    "of it runs here, until it is taken back."
)
BACK = (
    "The job is ended at Lytics for good. Here it goes on from where it was handed over: what Lytics has moved since "
    "is moved once more. Its authorization, with the secrets, is removed from Lytics, unless other jobs there name it."
)


@dataclass(frozen=True, slots=True)
class Section:
    """Something to be read before saying yes: a heading, and lines below it."""

    heading: str
    lines: tuple[str, ...]


def sections(job: Job, authorization: Authorization, sent: Sent) -> list[Section]:
    """What handing a job over means. Holds names of fields, and no values of them."""
    of_job = {question.name: question.ask.label for question in questions(type(job.config))}
    of_authorization = {question.name: question.ask.label for question in questions(type(authorization))}
    about = ["Label", "Description"] if job.description else ["Label"]
    secrets = [f"{of_authorization[name]} (secret)" for name in sent.secrets]
    found = [
        Section(
            "Goes to Lytics",
            (
                f"The job: {', '.join([*about, *_labels(sent.config, of_job)])}",
                f"The authorization {authorization.label}: "
                f"{', '.join(['Label', *_labels(sent.access, of_authorization), *secrets])}",
            ),
        )
    ]
    stays = list(_labels(sent.left_out, {**of_authorization, **of_job}))
    if stays:
        found.append(Section("Is not sent, as Lytics does not know it", (", ".join(stays),)))
    if sent.differences:
        found.append(Section("Will be otherwise there", sent.differences))
    return found


def _labels(names: Iterable[str], labels: dict[str, str]) -> list[str]:
    return [labels.get(name, name) for name in names]
