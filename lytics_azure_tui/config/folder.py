"""A configuration folder: jobs/*.toml, authorizations/*.toml and settings.toml, which people may edit too."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import platformdirs
from pydantic import ValidationError

from lytics_azure_tui.config import files, guard, toml
from lytics_azure_tui.config.complaints import complaint, complaints
from lytics_azure_tui.config.permissions import open_to_others
from lytics_azure_tui.config.settings import Settings
from lytics_azure_tui.errors import BadConfiguration
from lytics_azure_tui.model.authorization import METHODS, Authorization
from lytics_azure_tui.model.job import HandedOver, Job, slug
from lytics_azure_tui.model.kinds import KINDS

APP = "lyazure-tui"

_UNREADABLE = re.compile(r"%[0-9A-Fa-f]{2}|\\|[\0-\x1f]")
"""Parts of a path that delta-rs takes for something else: it decodes local paths as it does URLs."""


@dataclass(frozen=True, slots=True)
class Folder:
    """One configuration folder.

    Attributes:
        root: where it is.
        default: whether it is this system's own place for it, and not one that was named.
    """

    root: Path
    default: bool = False

    @classmethod
    def open(cls, root: Path | None = None) -> Folder:
        """The folder named, or this system's own; made when it is not there, for its owner only.

        Raises:
            BadConfiguration: it cannot be made or is not a folder.
        """
        folder = cls.at(root)
        for path in (folder.root, folder.jobs_dir, folder.authorizations_dir):
            files.private_folder(path)
        return folder

    @classmethod
    def existing(cls, root: Path | None = None) -> Folder:
        """As `open`, but a folder that was named must be there.

        Made by mistake it would be empty: a job in cron would do nothing for ever and call it done.

        Raises:
            BadConfiguration: it is not there, or cannot be used.
        """
        if root is not None and not root.expanduser().exists():
            raise BadConfiguration(
                f"The configuration folder {root} is not there",
                fix="Correct --config or LYAZURE_CONFIG; to make the folder, open the screens on it once",
            )
        return cls.open(root)

    @classmethod
    def at(cls, root: Path | None = None) -> Folder:
        """As `open`, but nothing is made: for those that only look."""
        own = Path(platformdirs.user_config_dir(APP, appauthor=False))
        return cls((root or own).expanduser().absolute(), default=root is None or root.expanduser().absolute() == own)

    @property
    def jobs_dir(self) -> Path:
        """One file a job."""
        return self.root / "jobs"

    @property
    def authorizations_dir(self) -> Path:
        """One file an authorization."""
        return self.root / "authorizations"

    @property
    def data(self) -> Path:
        """Where the ledger and the streams are; made when it is not there. Raises `BadConfiguration`."""
        path = self.data_place
        odd = _UNREADABLE.search(str(path))
        if odd is not None:
            raise BadConfiguration(
                f"The data folder {str(path)!r} cannot be used: its path has {odd[0]!r} in it",
                why="Delta Lake would look for its tables under another name",
                fix="Rename the folder, or set storage.folder in settings.toml",
            )
        files.private_folder(path)
        return path

    @property
    def data_place(self) -> Path:
        """As `data`, but it is not made: for those that only look."""
        named = self.settings().storage.folder
        if named is not None:
            return self.root / Path(named).expanduser()
        return Path(platformdirs.user_data_dir(APP, appauthor=False)) if self.default else self.root / "data"

    def settings(self) -> Settings:
        """settings.toml, or what holds without it. Raises `BadConfiguration`."""
        path = self.root / "settings.toml"
        if not path.exists():
            return Settings()
        values, text = toml.read(path, "settings.toml")
        try:
            return Settings.model_validate(values)
        except ValidationError as error:
            found = complaints(error, Settings, name="settings.toml", text=text)
        raise found[0]

    def save_settings(self, settings: Settings) -> None:
        """Writes what differs from the defaults."""
        files.save(self.root / "settings.toml", "settings.toml", settings.model_dump(), Settings().model_dump())

    # Jobs

    def jobs(self) -> list[Job]:
        """All jobs that can be read, by label. Those that cannot are in `problems()`."""
        read = (_job(path) for path in files.files(self.jobs_dir))
        return sorted((job for job in read if isinstance(job, Job)), key=_by_label)

    def job(self, job_id: str) -> Job:
        """One job. Raises `BadConfiguration`."""
        read = _job(files.existing(self.jobs_dir, job_id, "job"))
        if isinstance(read, Job):
            return read
        raise read[0]

    def save_job(self, job: Job) -> None:
        """Writes a job's file, or changes in it what differs; comments and order stay."""
        values = job.model_dump(mode="json")
        path = self.jobs_dir / f"{job.id}.toml"
        unwritten = {**files.defaults(Job), "config": files.defaults(type(job.config))}
        files.save(path, files.name(path), values, unwritten)

    def save_handed(self, job_id: str, handed: HandedOver | None) -> None:
        """Writes where a job runs that was handed over, or takes that out. Raises `BadConfiguration`."""
        path = files.existing(self.jobs_dir, job_id, "job")
        values = None if handed is None else handed.model_dump(mode="json")
        files.save(path, files.name(path), {"lytics": values}, {"lytics": files.defaults(HandedOver)})

    def delete_job(self, job_id: str) -> None:
        """Removes a job's file. Raises `BadConfiguration` when there is none."""
        files.existing(self.jobs_dir, job_id, "job").unlink(missing_ok=True)

    # Authorizations

    def authorizations(self) -> list[Authorization]:
        """All authorizations that can be read, by label, without their secrets."""
        read = (_authorization(path) for path in files.files(self.authorizations_dir))
        found = (item for item in read if isinstance(item, Authorization))
        return sorted(found, key=lambda item: (item.label.casefold(), item.id))

    def authorization(self, authorization_id: str) -> Authorization:
        """One authorization, without its secrets. Raises `BadConfiguration`."""
        read = _authorization(files.existing(self.authorizations_dir, authorization_id, "authorization"))
        if isinstance(read, Authorization):
            return read
        raise read[0]

    def save_authorization(self, authorization: Authorization) -> None:
        """Writes an authorization's file without its secrets; `config.secrets.save` keeps those.

        Raises:
            BadConfiguration: a secret stands in a field that is not one.
        """
        kind = type(authorization)
        values = authorization.model_dump(mode="json", exclude=set(kind.secret_fields()))
        guard.no_secret_in(values, [getattr(authorization, field) for field in kind.secret_fields()])
        path = self.authorizations_dir / f"{authorization.id}.toml"
        files.save(path, files.name(path), {"method": kind.method, **values}, files.defaults(kind))

    def delete_authorization(self, authorization_id: str) -> None:
        """Removes an authorization's file; `config.secrets.remove` takes its secrets along.

        Raises:
            BadConfiguration: jobs use it, or there is none.
        """
        path = files.existing(self.authorizations_dir, authorization_id, "authorization")
        users = self.users_of(authorization_id)
        if users:
            raise BadConfiguration(
                f"The authorization {authorization_id} is used by {_list(users)}",
                fix="Give these jobs another authorization, or delete them first",
            )
        path.unlink(missing_ok=True)

    def users_of(self, authorization_id: str) -> list[str]:
        """The labels of the jobs that use an authorization; of a job that cannot be read, its file."""
        users = []
        for path in files.files(self.jobs_dir):
            job = _job(path)
            if isinstance(job, Job):
                if job.authorization == authorization_id:
                    users.append(job.label)
            elif _mentions(path, authorization_id):
                users.append(files.name(path))
        return users

    # All of it

    def problems(self) -> list[BadConfiguration]:
        """Everything in the folder that cannot be used, each with file, line and key."""
        return self.examined()[1]

    def examined(self) -> tuple[list[Job], list[BadConfiguration]]:
        """`jobs()` and `problems()`, with every file read once."""
        jobs, found = list[Job](), list[BadConfiguration]()
        try:
            self.settings()
        except BadConfiguration as error:
            found.append(error)
        authorizations = {path.stem: _authorization(path) for path in files.files(self.authorizations_dir)}
        for authorization in authorizations.values():
            if isinstance(authorization, list):
                found.extend(authorization)
        for path in files.files(self.jobs_dir):
            job = _job(path)
            if isinstance(job, list):
                found.extend(job)
            else:
                jobs.append(job)
                found.extend(self._misfits(job, path, authorizations.get(job.authorization)))
        return sorted(jobs, key=_by_label), found

    def without_effect(self) -> list[BadConfiguration]:
        """Keys of jobs that say something and do not count, because of what others say."""
        found = list[BadConfiguration]()
        for job in self.jobs():
            path = self.jobs_dir / f"{job.id}.toml"
            ignored = job.config.ignored()
            text = toml.read_text(path, files.name(path)) if ignored else ""
            for name, (what, fix) in ignored.items():
                found.append(complaint(files.name(path), text, ("config", name), what, fix))
        return found

    def _misfits(
        self, job: Job, path: Path, authorization: Authorization | list[BadConfiguration] | None
    ) -> list[BadConfiguration]:
        """What is wrong between a job and its authorization."""
        if authorization is None:
            what = "there is no such authorization"
            fix = f"Make authorizations/{job.authorization}.toml, or name another"
        else:
            if isinstance(authorization, list) or authorization.method in type(job.config).methods:
                return []
            what = f"an authorization by {authorization.title} cannot carry this kind of job"
            fix = f"Name one by {_list([METHODS[method].title for method in type(job.config).methods])}"
        text = toml.read_text(path, files.name(path))
        return [complaint(files.name(path), text, ("authorization",), what, fix)]

    def warnings(self) -> tuple[str, ...]:
        """Folders and files that other users of this machine can reach."""
        paths = [self.root, self.jobs_dir, self.authorizations_dir]
        paths += [self.root / "settings.toml", self.root / "secrets.crypt"]
        paths += [*files.files(self.jobs_dir), *files.files(self.authorizations_dir)]
        with contextlib.suppress(BadConfiguration):
            paths.append(self.data_place)
        return tuple(open_to_others(self.root, paths))

    def new_id(self, label: str, taken: Collection[str] = ()) -> str:
        """An id for a new job or authorization: the label as a file name, numbered when that is taken.

        A file that cannot be read has its name all the same: it is never written over.
        """
        folders = (self.jobs_dir, self.authorizations_dir)
        base = slug(label)
        number, found = 1, base
        while found in taken or any((folder / f"{found}.toml").exists() for folder in folders):
            number += 1
            found = f"{base}-{number}"
        return found


def _by_label(job: Job) -> tuple[str, str]:
    return job.label.casefold(), job.id


def _list(names: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _mentions(path: Path, authorization_id: str) -> bool:
    try:
        return toml.read(path, files.name(path))[0].get("authorization") == authorization_id
    except BadConfiguration:
        return False


def _job(path: Path) -> Job | list[BadConfiguration]:
    name = files.name(path)
    try:
        values, text = toml.read(path, name)
    except BadConfiguration as error:
        return [error]
    workflow, config = values.get("workflow"), values.get("config", {})
    kind = KINDS.get(workflow) if isinstance(workflow, str) else None
    if kind is None:
        what = "this kind of job is not known" if "workflow" in values else "this key is missing"
        return [complaint(name, text, ("workflow",), what, f"The kinds are {', '.join(KINDS)}")]
    found = guard.secret_keys(name, text, values)
    if found:
        return found
    try:
        values["config"] = kind.model_validate(config)
    except ValidationError as error:
        found += complaints(error, kind, name=name, text=text, under=("config",))
        values["config"] = kind.model_construct()
    try:
        job = Job.model_validate({**values, "id": path.stem})
    except ValidationError as error:
        return found + files.of_file(error, Job, text, path, "id")
    return found or job


def _authorization(path: Path) -> Authorization | list[BadConfiguration]:
    name = files.name(path)
    try:
        values, text = toml.read(path, name)
    except BadConfiguration as error:
        return [error]
    method = values.pop("method", None)
    kind = METHODS.get(method) if isinstance(method, str) else None
    if kind is None:
        what = "this key is missing" if method is None else "this method is not known"
        return [complaint(name, text, ("method",), what, f"The methods are {', '.join(METHODS)}")]
    found = guard.secret_keys(name, text, values)
    if found:
        return found
    try:
        return kind.model_validate({**values, "id": path.stem})
    except ValidationError as error:
        return files.of_file(error, kind, text, path, "id")
