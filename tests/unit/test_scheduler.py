"""What the scheduler decides, for what it is shown."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lytics_azure_tui.model.csv_import import CsvImport
from lytics_azure_tui.model.event_hub_export import EventHubExport
from lytics_azure_tui.model.job import Job
from lytics_azure_tui.model.profile_build import PROFILES
from lytics_azure_tui.model.run import JobState, Run, RunState, Trigger
from lytics_azure_tui.runner import failures
from lytics_azure_tui.runner.scheduler import (
    CLEANING_UP,
    KILL_AFTER,
    Action,
    Active,
    Decision,
    Enqueue,
    GiveUp,
    Limits,
    Publish,
    Resume,
    Start,
    Terminate,
    decide,
)

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def job(id: str = "job", *, repeats: bool = True, enabled: bool = True, **config: object) -> Job:
    values = {"stream": "s", "container": "abc", "filename": "f.csv", "continuous_update": repeats, **config}
    model = CsvImport.model_validate(values)
    return Job(id=id, label=id, workflow="AzureCsvImport", authorization="a", enabled=enabled, config=model)


def run(id: str = "run", job: str = "job", state: RunState = RunState.QUEUED, **more: object) -> Run:
    plain = Run(id, job, job, "AzureCsvImport", Trigger.SCHEDULE, state, created=NOON - HOUR)
    return replace(plain, **more)  # type: ignore[arg-type]


def running(id: str = "run", job: str = "job", **more: object) -> Run:
    return run(id, job, RunState.RUNNING, **{"pid": 1, "claimed": NOON - HOUR, **more})


def decided(
    jobs: list[Job] | None = None,
    state: JobState | None = None,
    active: list[Active] | None = None,
    now: datetime = NOON,
    limits: Limits | None = None,
) -> Decision:
    return decide(jobs or [], {"job": state} if state else {}, active or [], now, limits or Limits())


def test_a_repeated_job_that_never_ran_is_due_at_once() -> None:
    assert decided([job()]).actions == (Enqueue(job()),)


@pytest.mark.parametrize(
    "idle", [job(repeats=False), job(enabled=False), job(repeats=False, enabled=False)], ids=["once", "off", "both"]
)
def test_a_job_without_a_schedule_or_switched_off_is_left_alone(idle: Job) -> None:
    assert decided([idle]) == Decision((), None)
    ran = JobState(last_end=NOON - 1000 * HOUR, next_due=NOON - 900 * HOUR)
    assert decided([idle], ran).actions == (Publish("job", None),)


def test_a_stopped_job_is_left_alone() -> None:
    assert decided([job()], JobState(stopped="no file", last_end=NOON - 1000 * HOUR)).actions == ()


def test_the_next_time_is_written_down_and_waited_for() -> None:
    end = NOON - 3 * HOUR
    due = end + 24 * HOUR
    assert decided([job()], JobState(last_end=end, anchor=end)) == Decision((Publish("job", due),), due)
    assert decided([job()], JobState(last_end=end, anchor=end, next_due=due)) == Decision((), due)


def test_a_changed_schedule_changes_the_next_time() -> None:
    state = JobState(last_end=NOON - HOUR, anchor=NOON - HOUR, next_due=NOON + 23 * HOUR)
    sooner = job(file_frequency="hourly")
    assert decided([sooner], state).actions == (Enqueue(sooner), Publish("job", NOON))
    at_six = job(time_of_day="18:00")
    assert decided([at_six], state) == Decision((Publish("job", NOON + 6 * HOUR),), NOON + 6 * HOUR)


def test_what_follows_the_profiles_is_due_whenever_they_were_built() -> None:
    config = EventHubExport(segment_ids=["vip"])
    follower = Job(id="job", label="job", workflow=config.workflow, authorization="a", config=config)
    ran = JobState(last_queued=NOON - HOUR / 2, last_end=NOON, anchor=NOON)

    def actions(built: datetime | None) -> tuple[Action, ...]:
        states = {"job": ran, PROFILES.id: JobState(last_end=built)}
        return tuple(one for one in decide([follower], states, [], NOON, Limits()).actions if one == Enqueue(follower))

    assert actions(None) == ()
    assert actions(NOON - HOUR) == ()
    assert actions(NOON - HOUR / 4) == (Enqueue(follower),)
    assert decided([job()], ran).actions == (Publish("job", NOON + 24 * HOUR),), "others go by their schedule"


def test_a_machine_that_slept_catches_up_once() -> None:
    slept = JobState(last_end=NOON - 300 * HOUR, anchor=NOON - 300 * HOUR, next_due=NOON - 276 * HOUR)
    assert decided([job()], slept).actions == (Enqueue(job()),)
    caught_up = JobState(last_end=NOON, anchor=slept.anchor)
    assert decided([job()], caught_up).actions == (Publish("job", NOON + 24 * HOUR),)


def test_a_job_has_one_run_at_a_time() -> None:
    late = JobState(last_end=NOON - 100 * HOUR, anchor=NOON - 100 * HOUR)
    assert decided([job()], late, [Active(running(), alive=True)]).actions == ()


def test_without_schedules_only_what_is_queued_is_started() -> None:
    waiting = run("other", "other")
    quiet = Limits(schedules=False)
    assert decided([job()], active=[Active(waiting)], limits=quiet).actions == (Start(waiting),)


def test_a_runner_that_drains_starts_nothing() -> None:
    active = [Active(run()), Active(run("b", "b", cancel_requested=True)), Active(running("c", "c"), alive=True)]
    assert decided([job("d")], active=active, limits=Limits(starting=False)) == Decision((), None)


def test_the_oldest_are_started_first_and_no_more_than_allowed() -> None:
    waiting = [run(name, name, created=NOON - age * HOUR) for age, name in enumerate("abcd")]
    active = [Active(running("e", "e"), alive=True), *map(Active, waiting)]
    assert decided(active=active, limits=Limits(runs_at_once=3)).actions == (Start(waiting[3]), Start(waiting[2]))


def test_a_try_is_started_when_it_is_due_and_not_before() -> None:
    at = NOON + timedelta(minutes=1)
    waiting = run(state=RunState.RETRYING, retry_at=at)
    assert decided(active=[Active(waiting)]) == Decision((), at)
    assert decided(active=[Active(waiting)], now=at).actions == (Start(waiting),)


def test_a_cancelled_run_is_started_to_clean_up_without_waiting_for_room() -> None:
    waiting = run(state=RunState.RETRYING, retry_at=NOON + HOUR, cancel_requested=True)
    busy = [Active(running(name, name), alive=True) for name in "ab"]
    assert decided(active=[*busy, Active(waiting)]).actions == (Start(waiting),)


def test_a_run_that_does_not_end_is_told_to_and_then_made_to() -> None:
    grace = Limits().grace
    asked = running(cancel_requested=True, cancel_requested_at=NOON)
    looks = [
        decided(active=[Active(asked, alive=True)], now=NOON + after)
        for after in (grace / 2, grace, grace + KILL_AFTER)
    ]
    assert looks[0] == Decision((), NOON + grace)
    assert looks[1] == Decision((Terminate(asked, force=False),), NOON + grace + KILL_AFTER)
    assert looks[2].actions == (Terminate(asked, force=True),)


def test_a_process_that_came_to_clean_up_has_a_grace_of_its_own() -> None:
    cleaning = running(cancel_requested=True, cancel_requested_at=NOON - HOUR, claimed=NOON)
    short = Limits(grace=timedelta(0))
    assert decided(active=[Active(cleaning, alive=True)], limits=short) == Decision((), NOON + CLEANING_UP)
    late = decided(active=[Active(cleaning, alive=True)], limits=short, now=NOON + CLEANING_UP)
    assert late.actions == (Terminate(cleaning, force=False),)


def test_a_dead_process_is_replaced_until_that_is_pointless() -> None:
    dead = running(deaths=failures.DEATHS - 1)
    assert decided(active=[Active(dead)]).actions == (Resume(dead),)
    hopeless = running(deaths=failures.DEATHS)
    assert decided(active=[Active(hopeless)]).actions == (GiveUp(hopeless),)


moments = st.integers(-2000, 2000).map(lambda minutes: NOON + timedelta(minutes=minutes))
states = st.builds(
    JobState,
    next_due=st.none() | moments,
    stopped=st.none() | st.just("no file"),
    anchor=st.none() | moments,
    last_end=st.none() | moments,
)
jobs = st.lists(st.sampled_from("abcdef"), unique=True).flatmap(
    lambda ids: st.tuples(
        *(
            st.builds(
                job,
                st.just(id),
                repeats=st.booleans(),
                enabled=st.booleans(),
                file_frequency=st.sampled_from(["hourly", "daily", "weekly"]),
            )
            for id in ids
        )
    )
)


@st.composite
def actives(draw: st.DrawFn) -> list[Active]:
    found = []
    for name in draw(st.lists(st.sampled_from("abcdefgh"), unique=True)):
        state = draw(st.sampled_from([RunState.QUEUED, RunState.RUNNING, RunState.RETRYING]))
        asked = draw(st.none() | moments)
        item = run(
            f"run-{name}",
            name,
            state,
            created=draw(moments),
            claimed=draw(moments) if state is RunState.RUNNING else None,
            retry_at=draw(moments) if state is RunState.RETRYING else None,
            deaths=draw(st.integers(0, 6)),
            cancel_requested=asked is not None,
            cancel_requested_at=asked,
        )
        found.append(Active(item, alive=state is RunState.RUNNING and draw(st.booleans())))
    return found


@given(jobs, st.dictionaries(st.sampled_from("abcdef"), states), actives(), st.integers(1, 4), st.booleans())
def test_whatever_is_shown_the_rules_hold(
    jobs: tuple[Job, ...], states: dict[str, JobState], active: list[Active], at_once: int, starting: bool
) -> None:
    limits = Limits(runs_at_once=at_once, starting=starting)
    decision = decide(jobs, states, active, NOON, limits)
    busy = {item.run.job for item in active}
    started = [action.run for action in decision.actions if isinstance(action, Start)]
    queued = [action.job for action in decision.actions if isinstance(action, Enqueue)]
    going = sum(item.run.state is RunState.RUNNING for item in active)
    wanted = [run for run in started if not run.cancel_requested]
    assert not wanted or going + len(wanted) <= at_once
    assert len({run.id for run in started}) == len(started)
    assert all(run.state is not RunState.RUNNING for run in started)
    assert not busy & {job.id for job in queued}
    assert all(job.enabled and job.config.schedule() for job in queued)
    assert starting or (not started and not queued)
    assert decision.again is None or decision.again > NOON or any(isinstance(a, Terminate) for a in decision.actions)
    again = decide(jobs, states, active, NOON, limits)
    assert again == decision
