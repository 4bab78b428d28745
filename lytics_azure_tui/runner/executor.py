"""Does a plan's parts: those of one chain in order, chains side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_EXCEPTION, Executor, ThreadPoolExecutor, wait

from lytics_azure_tui.model.run import LAST, Part, PartResult, Plan

Work = Callable[[Part, PartResult | None], PartResult]


LEAST_SHARE = 128 * 2**20
"""Bytes of memory without which a part cannot work well."""


def workers(plan: Plan, threads: int, memory: int) -> int:
    """How many chains go side by side, with so many threads and bytes of memory for all of them."""
    return max(1, min(threads, memory // LEAST_SHARE, len({part.chain for part in plan.parts} - {LAST})))


def do_parts(
    plan: Plan, done: Mapping[int, PartResult], work: Work, halt: Callable[[], None], side_by_side: int
) -> None:
    """Does all parts that are not done yet; those of the chain `LAST` when the others are.

    Args:
        plan: its parts.
        done: results of parts that need not be done again, by index.
        work: does one part and keeps its result; the second argument is the result of the part before it in its chain.
        halt: called when a part has failed, so that the others come to an end.
        side_by_side: so many chains at once.

    Raises:
        Exception: what the first part that failed raised.
    """
    chains: dict[str, list[Part]] = {}
    for part in plan.parts:
        chains.setdefault(part.chain, []).append(part)
    last = chains.pop(LAST, [])
    with ThreadPoolExecutor(side_by_side, thread_name_prefix="part") as executor:
        _do(list(chains.values()), done, work, halt, executor)
        _do([last], done, work, halt, executor)


def _do(
    chains: list[list[Part]],
    done: Mapping[int, PartResult],
    work: Work,
    halt: Callable[[], None],
    executor: Executor,
) -> None:
    def do_chain(chain: list[Part]) -> None:
        before: PartResult | None = None
        for part in chain:
            before = done.get(part.index) or work(part, before)

    futures = [executor.submit(do_chain, chain) for chain in chains]
    ended, waiting = wait(futures, return_when=FIRST_EXCEPTION)
    failed = next((future for future in futures if future in ended and future.exception() is not None), None)
    if failed is not None:
        halt()
        for future in waiting:
            future.cancel()
        failed.result()
