"""What people say about profiles: mappings/<stream>.toml and audiences/<slug>.toml."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from lytics_azure_tui.config import files, guard, toml
from lytics_azure_tui.config.complaints import complaint
from lytics_azure_tui.config.folder import Folder
from lytics_azure_tui.errors import BadConfiguration
from lytics_azure_tui.model.audience import Audience
from lytics_azure_tui.model.form import Source, questions
from lytics_azure_tui.model.mapping import Affinity, Definitions, FieldRule, StreamMapping, disagreements

M = TypeVar("M", bound=BaseModel)


def mappings_dir(folder: Folder) -> Path:
    """One file a stream."""
    return folder.root / "mappings"


def audiences_dir(folder: Folder) -> Path:
    """One file an audience."""
    return folder.root / "audiences"


def there_are(folder: Folder) -> bool:
    """Whether there is any; cheap, for those that need not load what reads them."""
    return bool(files.files(mappings_dir(folder)) or files.files(audiences_dir(folder)))


def changed(folder: Folder) -> datetime | None:
    """When a file was last written, UTC; None when there is none, or one that cannot be looked at."""
    paths = [path for place in (mappings_dir(folder), audiences_dir(folder)) for path in (place, *files.files(place))]
    with contextlib.suppress(OSError):
        times = [path.stat().st_mtime for path in paths if path.exists()]
        return datetime.fromtimestamp(max(times), UTC) if times else None
    return None


def look(folder: Folder) -> tuple[Definitions, list[BadConfiguration]]:
    """All that can be read, and an error for each thing that is wrong."""
    mappings, problems = _all(mappings_dir(folder), StreamMapping, "stream")
    audiences, others = _all(audiences_dir(folder), Audience, "slug")
    problems += others
    for stream, words in disagreements(mappings):
        problems.append(BadConfiguration(f"mappings/{stream}.toml: {words}", fix="Write the same in both files"))
    return Definitions(tuple(mappings), tuple(audiences)), problems


def read(folder: Folder) -> Definitions:
    """All of them. Raises `BadConfiguration` when one cannot be used: what depends on it is not guessed at."""
    definitions, problems = look(folder)
    if problems:
        raise problems[0]
    return definitions


def save_mapping(folder: Folder, mapping: StreamMapping) -> None:
    """Writes a mapping's file, or changes in it what differs.

    Raises:
        BadConfiguration: it and the mapping of another stream make one user field two things.
    """
    known, _ = look(folder)
    others = [other for other in known.mappings if other.stream != mapping.stream]
    for _, words in disagreements([*others, mapping]):
        raise BadConfiguration(f"The mapping of {mapping.stream} does not go with another: {words}")
    path = mappings_dir(folder) / f"{mapping.stream}.toml"
    unwritten = {
        **files.defaults(StreamMapping),
        "fields": [files.defaults(FieldRule)],
        "affinities": [files.defaults(Affinity)],
    }
    files.save(path, files.name(path), mapping.model_dump(mode="json"), unwritten)


def delete_mapping(folder: Folder, stream: str) -> None:
    """Removes a mapping's file. Raises `BadConfiguration` when there is none."""
    files.existing(mappings_dir(folder), stream, "mapping of").unlink(missing_ok=True)


def save_audience(folder: Folder, audience: Audience) -> None:
    """Writes an audience's file, or changes in it what differs."""
    path = audiences_dir(folder) / f"{audience.slug}.toml"
    files.save(path, files.name(path), audience.model_dump(mode="json"), files.defaults(Audience))


def delete_audience(folder: Folder, slug: str) -> None:
    """Removes an audience's file.

    Raises:
        BadConfiguration: a job or another audience uses it, or there is none.
    """
    path = files.existing(audiences_dir(folder), slug, "audience")
    users = users_of(folder, slug)
    if users:
        raise BadConfiguration(
            f"The audience {slug} is used by {', '.join(users)}", fix="Change these first, or delete them"
        )
    path.unlink(missing_ok=True)


def users_of(folder: Folder, slug: str) -> list[str]:
    """The labels of the jobs and the other audiences that name an audience."""
    known, _ = look(folder)
    users = [item.label for item in known.audiences if slug in item.includes()]
    for job in folder.jobs():
        asked = [item.name for item in questions(type(job.config)) if item.ask.source is Source.AUDIENCES]
        answers = [getattr(job.config, name) for name in asked]
        if any(slug == answer or (isinstance(answer, list) and slug in answer) for answer in answers):
            users.append(job.label)
    return users


def _all(folder: Path, model: type[M], key: str) -> tuple[list[M], list[BadConfiguration]]:
    found, problems = list[M](), list[BadConfiguration]()
    for path in files.files(folder):
        try:
            values, text = toml.read(path, files.name(path))
        except BadConfiguration as error:
            problems.append(error)
            continue
        secrets = guard.secret_keys(files.name(path), text, values)
        if secrets or key in values:
            what = "this is said by the file's name"
            problems += secrets or [complaint(files.name(path), text, (key,), what, "Take the line out")]
            continue
        try:
            found.append(model.model_validate({**values, key: path.stem}))
        except ValidationError as error:
            problems += files.of_file(error, model, text, path, key)
    return found, problems
