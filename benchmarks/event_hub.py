"""How fast triggers are sent to an event hub, beside loops of Azure's own SDK on the same endpoint.

Run by hand: `python benchmarks/event_hub.py`. Everything goes to the sandbox's Event Hubs on loopback, which works on
the same machine and so takes its share of the processors from whoever sends; the ratios are what counts.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

from measuring import HEADINGS, Row, Taken, run

from lytics_azure_tui.sandbox.event_hub import EventHubServer

OURS, LITTLE = "our sender, with ids and properties", "our sender, a tenth of the messages"
LISTS, BATCHES = "the SDK, send_batch of lists", "the SDK, create_batch, add, send_batch"
WAYS = {LISTS: "lists", BATCHES: "batches", OURS: "ours", LITTLE: "ours"}
GOAL = 0.95


def take(server: EventHubServer, way: str, number: int) -> tuple[Taken, int]:
    """Sends once to a fresh hub; gives what it took, and how many messages the hub has."""
    server.create("bench", 4)
    given = json.dumps({"way": way, "connection": server.connection("bench").reveal(), "number": number})
    command = [sys.executable, str(Path(__file__).with_name("send_hub.py"))]
    try:
        _, said = run(command, dict(os.environ), os.getcwd(), given=given)  # noqa: PTH109
        took = json.loads(said)
        arrived = server.count("bench")
    finally:
        server.delete("bench")
    return Taken(took["seconds"], took["cpu"], took["peak"]), arrived


def main() -> int:
    """Measures, and prints a table. The status is 1 when a message is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=1_000_000, help="messages (default: 1,000,000)")
    parser.add_argument("--repeat", type=int, default=3, help="how often each is taken, in turns (default: 3)")
    options = parser.parse_args()
    rows = {name: Row(name, []) for name in WAYS}
    sizes = {name: options.messages // 10 if name == LITTLE else options.messages for name in WAYS}
    wrong = []
    with tempfile.TemporaryDirectory() as scratch, EventHubServer(Path(scratch, "server")) as server:
        for turn in range(options.repeat):
            for name, way in WAYS.items():
                taken, arrived = take(server, way, sizes[name])
                rows[name].taken.append(taken)
                if arrived < sizes[name]:
                    wrong.append(f"{name}: {arrived:,} of {sizes[name]:,} messages arrived")
            load = " ".join(f"{part:.1f}" for part in os.getloadavg())
            print(f"round {turn + 1} of {options.repeat} done; load {load}", flush=True)
    speeds = {name: sizes[name] / row.seconds for name, row in rows.items()}
    best = max(speeds[LISTS], speeds[BATCHES])
    print(f"\n{HEADINGS}")
    for name, row in rows.items():
        print(row.text(speeds[name] / best))
    print()
    for name, speed in speeds.items():
        print(f"{name:46}{speed:10,.0f} messages/s")
    met = "met" if speeds[OURS] / best >= GOAL else "not met"
    print(f"\nto the SDK's best: {speeds[OURS] / best:.2f}x   goal ≥ {GOAL}x   {met}")
    small, large = rows[LITTLE].peak or 0, rows[OURS].peak or 0
    print(f"peak memory, ten times the messages: {small / 1e6:.0f} MB, then {large / 1e6:.0f} MB")
    for line in wrong:
        print(f"WRONG: {line}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
