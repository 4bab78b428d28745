"""What the dashboard says where there are no jobs."""

from __future__ import annotations

from textual.content import Content


def first_steps(authorizations: int) -> Content:
    """What to do in an empty configuration."""
    first = ("✓", "bold $text-success") if authorizations else ("1", "bold $primary")
    return Content.assemble(
        ("No jobs yet.\n\n" if authorizations else "Nothing is set up yet.\n\n", "bold"),
        first,
        "  Press ",
        ("2", "bold $primary"),
        " and create an authorization: the way into Azure.\n",
        ("2", "bold $primary"),
        "  Press ",
        ("n", "bold $primary"),
        " and create a job: which file goes into which stream.\n\n",
        ("Runs go on in the background when this screen is closed.\nPress ? for all keys.", "dim"),
    )
