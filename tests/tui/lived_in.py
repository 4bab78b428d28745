"""Worlds with jobs, runs, streams, profiles and audiences, as they are after some weeks."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from lytics_azure_tui.model.job import Job
from lytics_azure_tui.model.run import Progress, RunState
from tests.tui.people import define, populated
from tests.tui.world import NOW, World


def past(world: World) -> list[Job]:
    """Jobs in every state, and a past. Gives those of them that could run now."""
    world.authorization()
    customers = world.job("Customers daily", continuous_update=True)
    orders = world.job("Orders hourly", continuous_update=True, file_frequency="hourly", stream="orders")
    prices = world.job("Price list", stream="prices")
    loyalty = world.job("Loyalty cards", continuous_update=True, stream="loyalty")
    world.job("Newsletter sign-ups of all shops in Europe and overseas", enabled=False, continuous_update=True)
    returns = world.job("Returns", continuous_update=True, stream="returns")
    stores = world.job("Stores", stream="stores")
    world.ended(prices, timedelta(days=4), rows=1_204, amount=88_000, about="prices.csv")
    world.ended(
        returns,
        timedelta(days=1, hours=2),
        state=RunState.FAILED,
        took=timedelta(seconds=3),
        error="Azure refused the credentials. The signature expired on 23 November. Make a new one in the portal",
    )
    world.ended(loyalty, timedelta(hours=9), rows=48_112, rejected=37, amount=12_000_000, about="loyalty_20261124.csv")
    world.ended(orders, timedelta(hours=1), rows=2_310, amount=900_000)
    world.ended(stores, timedelta(minutes=40), state=RunState.CANCELLED)
    world.ended(customers, timedelta(hours=10), rows=1_000_000, amount=512_000_000, took=timedelta(minutes=4))
    world.ledger.stop_job(loyalty.id, "No file after loyalty_20261124.csv")
    world.ledger.set_next_due(orders.id, NOW + timedelta(minutes=12))
    world.ledger.set_next_due(returns.id, NOW + timedelta(hours=20))
    return [customers, stores]


def busy(world: World) -> None:
    """Jobs in every state, two runs under way, and a past."""
    customers, stores = past(world)
    world.running(
        customers,
        Progress("reading customers_20261124.csv", 312_000_000, 680_000_000, 2_310_442, 3),
    )
    world.running(stores, Progress("reading stores.csv.gz", 1_200_000, None, 10_020, 0))


def peopled(world: World) -> None:
    """Streams, profiles and audiences."""
    world.lytics = world.desk._lytics = populated()
    define(world.folder)


def lived_in(world: World) -> None:
    """All of it, and a clock that goes on. Nothing is at work."""
    past(world)
    peopled(world)
    opened = time.monotonic()

    def clock() -> datetime:
        return NOW + timedelta(seconds=time.monotonic() - opened)

    world.desk.clock = clock
