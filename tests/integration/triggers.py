"""Exports of audiences to an event hub without a runner, and what the hub has of them."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from azure.eventhub._pyamqp._decode import decode_payload

from lytics_azure_tui.jobs import event_hub_export
from lytics_azure_tui.jobs.kind import Context, Rehearsal
from lytics_azure_tui.model.authorization import AzureEventHub
from lytics_azure_tui.model.event_hub_export import EventHubExport
from lytics_azure_tui.model.job import Job
from lytics_azure_tui.model.run import Outcome, Part, PartResult, Plan
from lytics_azure_tui.sandbox.event_hub import EventHubServer
from tests.integration.builds import Place
from tests.integration.imports import Quiet


@dataclass(frozen=True, slots=True)
class Told:
    """A message that the hub has.

    Attributes:
        events: (slug, event) of its segment events.
    """

    partition: int
    id: str
    content_type: str
    properties: dict[str, str]
    body: dict[str, Any]

    @property
    def user(self) -> str:
        return self.properties["user_id"]

    @property
    def events(self) -> list[tuple[str, str]]:
        return [(event["slug"], event["event"]) for event in self.body["data"]["segment_events"]]


def told(server: EventHubServer, hub: str) -> list[Told]:
    """All messages, partition by partition, in their order."""
    found = []
    for partition, stored in enumerate(server.stored(hub)):
        for data in stored:
            message: Any = decode_payload(memoryview(data))
            properties = {name.decode(): value.decode() for name, value in message.application_properties.items()}
            head = message.properties
            body = json.loads(b"".join(message.data))
            found.append(Told(partition, head.message_id.decode(), head.content_type.decode(), properties, body))
    return found


@dataclass
class Triggers:
    """A job on the profiles of a place."""

    place: Place
    server: EventHubServer
    hub: str
    settings: dict[str, Any]
    id: str = "triggers"
    checkpoint: dict[str, Any] | None = None
    replay: tuple[str, ...] = ()
    sink: Quiet = field(default_factory=Quiet)
    runs: int = 0

    def context(self) -> Context:
        config = EventHubExport(**{"throughput_units": 0, **self.settings})
        job = Job(id=self.id, label="Triggers", workflow=config.workflow, authorization="hub", config=config)
        scratch = self.place.root / f"export{self.runs}"
        scratch.mkdir(exist_ok=True)
        return Context(
            run_id=f"export{self.runs}", started=self.place.now, job=job,
            authorization=AzureEventHub(id="hub", label="Hub", connection_string=self.server.connection(self.hub)),
            lytics=self.place.workspace, scratch=scratch, keep=self.place.root / "keep", memory=256 << 20, threads=2,
            definitions=self.place.definitions, replay=self.replay,
        )  # fmt: skip

    def plan(self) -> Plan:
        """As the ledger gives it back."""
        plan = event_hub_export.plan(self.context(), self.checkpoint)
        parts = tuple(Part(part.index, part.chain, json.loads(json.dumps(part.spec))) for part in plan.parts)
        return Plan(parts, plan.about)

    def begin(self) -> Plan:
        """The plan of the next run."""
        self.runs += 1
        return self.plan()

    def finish(self, plan: Plan, results: list[PartResult] | None = None) -> Outcome:
        """Does the parts that have no result yet, and commits."""
        done = results or []
        for part in plan.parts[len(done) :]:
            done.append(event_hub_export.do(self.context(), part, done[-1] if done else None, self.sink))
        if not plan.parts:
            return Outcome(None, plan.about)
        outcome = event_hub_export.commit(self.context(), plan, done)
        if outcome.checkpoint is not None:
            self.checkpoint = json.loads(json.dumps(outcome.checkpoint))
        shutil.rmtree(self.context().scratch)
        return outcome

    def run(self) -> Outcome:
        """A whole run."""
        return self.finish(self.begin())

    def rehearse(self) -> Rehearsal:
        """What the next run would do."""
        return event_hub_export.rehearse(self.context(), self.checkpoint)

    def told(self) -> list[Told]:
        """All messages that the hub has."""
        return told(self.server, self.hub)

    def quarantined(self) -> str:
        """The folder of the messages that the last run could not send."""
        return str(Path(self.place.root / "keep" / "quarantine" / f"export{self.runs}"))
