"""The account behind the API: an embedded workspace, what is said about its profiles, and what comes in."""

from __future__ import annotations

import json
import logging
import shutil
import threading
import uuid
from datetime import UTC, datetime
from pathlib import Path

from lytics_azure_tui.errors import LyazureError
from lytics_azure_tui.jobs import profile_build
from lytics_azure_tui.jobs.kind import Context
from lytics_azure_tui.lytics.workspace.reader import Reader
from lytics_azure_tui.lytics.workspace.tables import Tables
from lytics_azure_tui.lytics.workspace.workspace import Workspace
from lytics_azure_tui.model.authorization import NoAuthorization
from lytics_azure_tui.model.mapping import Definitions
from lytics_azure_tui.model.profile_build import PROFILES
from lytics_azure_tui.model.run import Outcome
from lytics_azure_tui.sandbox.lytics_api.limits import Limits

_LOG = logging.getLogger(__name__)
_MEMORY = 256 << 20


class Account:
    """One account; its methods may be called from several threads at once.

    Attributes:
        workspace: in which its streams and profiles are.
        reader: opens its profiles for questions that the workspace has no method for.
        definitions: the mappings and audiences; others may be set, and count from the next build on.
        limits: that are kept.
        created: when it was.
        writing: to be held by whoever commits to a stream.
    """

    def __init__(self, root: Path, definitions: Definitions, limits: Limits, build_after: float | None) -> None:
        """Opens one.

        Args:
            root: its folder.
            build_after: seconds after new events, in which profiles are made of them; None for never by itself.
        """
        self.workspace = Workspace(root / "workspace")
        self.reader = Reader(Tables(root / "workspace"))
        self.definitions = definitions
        self.limits = limits
        self.created = datetime.now(UTC)
        self.writing = threading.Lock()
        self._scratch = root / "scratch"
        self._build_after = build_after
        self._building = threading.Lock()
        self._timers = threading.Lock()
        self._timer: threading.Timer | None = None
        self._closed = True

    def build(self) -> Outcome | None:
        """Makes profiles of what is new, and evaluates the audiences; None when there was nothing to do.

        Raises:
            BadConfiguration: the definitions cannot be used.
        """
        with self._building:
            run_id = f"build-{uuid.uuid4().hex[:12]}"
            context = Context(
                run_id=run_id, started=datetime.now(UTC), job=PROFILES, authorization=NoAuthorization(),
                lytics=self.workspace, scratch=self._scratch / run_id, keep=self._scratch / "keep",
                memory=_MEMORY, threads=1, definitions=self.definitions,
            )  # fmt: skip
            try:
                return _built(context)
            except BaseException:
                profile_build.discard(context)
                raise
            finally:
                shutil.rmtree(context.scratch, ignore_errors=True)

    def open(self) -> None:
        """Lets builds begin by themselves, the first one soon."""
        with self._timers:
            self._closed = False
        self.changed()

    def changed(self) -> None:
        """Events came in, or the definitions were changed: a build comes, if builds come by themselves."""
        with self._timers:
            if self._build_after is None or self._closed or self._timer is not None:
                return
            self._timer = threading.Timer(self._build_after, self._build_soon)
            self._timer.daemon = True
            self._timer.start()

    def close(self) -> None:
        """Lets a build that is under way end; none begins after it."""
        with self._timers:
            self._closed = True
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
        with self._building:
            pass

    def _build_soon(self) -> None:
        with self._timers:
            if self._closed:
                return
            self._timer = None
        try:
            self.build()
        except LyazureError as error:
            # As with the real one, nobody waits for it: a mapping that cannot be used makes no profiles.
            _LOG.warning("no profiles were made: %s", error)


def _built(context: Context) -> Outcome | None:
    plan = profile_build.plan(context, None)
    if not plan.parts:
        return None
    plan.data["spec"] = json.loads(json.dumps(plan.data["spec"]))
    before, results = None, []
    for part in plan.parts:
        before = profile_build.do(context, part, before, _Silent())
        results.append(before)
    return profile_build.commit(context, plan, results)


class _Silent:
    """A sink for progress that nobody looks at."""

    def progress(
        self, stage: str, *, bytes_done: int, bytes_total: int | None = None, rows: int = 0, rejected: int = 0
    ) -> None:
        pass

    def log(self, level: str, text: str) -> None:
        pass

    def check(self) -> None:
        pass
