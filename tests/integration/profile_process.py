"""One build in a process of its own, as a run is: what is planned and done is written down, and gone on with.

`python -m tests.integration.profile_process ROOT [FUNCTION before|after CALL]` builds on a workspace that
`tests.integration.builds.Place` filled, and kills itself at a call of a function, if it is told one.
"""

from __future__ import annotations

import json
import pickle
import sys
from pathlib import Path
from typing import Any

from lytics_azure_tui.jobs import profile_build
from lytics_azure_tui.lytics.workspace import assemble, build, forget, identify, memberships, streams, tables
from lytics_azure_tui.model.run import PartResult
from tests.integration.builds import Place
from tests.integration.imports import Quiet
from tests.integration.runner.dying import dying

_MODULES = {
    module.__name__.rpartition(".")[2]: module
    for module in (profile_build, assemble, build, forget, identify, memberships, streams, tables)
}


def main(root: Path, death: list[str]) -> None:
    place: Place = pickle.loads((root / "place").read_bytes())
    if death:
        name, when, call = death
        first, *path, last = name.split(".")
        owner: Any = _MODULES[first]
        for part in path:
            owner = getattr(owner, part)
        setattr(owner, last, dying(getattr(owner, last), when, int(call), root / "died"))
    context = place.context()
    ledger = root / "ledger"
    ledger.mkdir(exist_ok=True)
    saved = ledger / "plan"
    if not saved.exists():
        profile_build.discard(context)
        _write(saved, profile_build.plan(context, None))
    plan = pickle.loads(saved.read_bytes())
    results: list[PartResult] = []
    for part in plan.parts:
        done = ledger / f"{part.index}"
        if not done.exists():
            _write(done, profile_build.do(context, part, results[-1] if results else None, Quiet()))
        results.append(pickle.loads(done.read_bytes()))
    outcome = profile_build.commit(context, plan, results)
    (root / "outcome").write_text(json.dumps([outcome.about, outcome.counts]))


def _write(path: Path, value: object) -> None:
    partial = path.with_suffix(".new")
    partial.write_bytes(pickle.dumps(value))
    partial.replace(path)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
