"""The program's own job: makes profiles of events, and tells which audiences they are in."""

from __future__ import annotations

from lytics_azure_tui.model.job import Job, JobConfig


class ProfileBuild(JobConfig):
    """Asked for by nobody and saved nowhere: the runner queues it when there is something to build."""

    workflow = "profile_build"
    title = "Profiles and audiences"
    summary = "Makes profiles of what was imported, and evaluates audiences."
    methods = ()
    module = "lytics_azure_tui.jobs.profile_build"
    start = "Build"
    deed = "built"
    reads_definitions = True


PROFILES = Job(
    id="profile_build",
    label=ProfileBuild.title,
    workflow=ProfileBuild.workflow,
    authorization="",
    config=ProfileBuild(),
)
"""The one job of this kind."""
