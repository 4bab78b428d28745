"""A job in words: for the review of its form, and to compare two of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lytics_azure_tui.model.form import questions
from lytics_azure_tui.model.job import Job, JobConfig
from lytics_azure_tui.tui.answers import blank, in_words, matters


def said(
    kind: type[JobConfig], authorization: str, label: Mapping[str, Any], answers: Mapping[str, Any]
) -> dict[str, str]:
    """Each answer that matters, by the question's label; a default stands for what was left empty.

    Args:
        authorization: in words.
        label: answers to the questions that all jobs have.
        answers: to those of the kind.
    """
    found = {"Job type": kind.title, "Authorization": authorization}
    found |= {question.ask.label: in_words(question, label.get(question.name)) for question in questions(Job)}
    for question in questions(kind):
        if matters(question, answers):
            answer = answers.get(question.name)
            is_blank = blank(answer, exact=question.ask.exact)
            found[question.ask.label] = in_words(question, question.default if is_blank else answer)
    return found


def job_said(job: Job, names: Mapping[str, str]) -> dict[str, str]:
    """The same of a job as it is saved.

    Args:
        names: the labels of authorizations by their ids.
    """
    authorization = names.get(job.authorization, job.authorization)
    return said(type(job.config), authorization, job.model_dump(), job.config.model_dump())
