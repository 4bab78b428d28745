"""What the dashboard says where there are no jobs."""

from __future__ import annotations

from textual.content import Content


def first_steps(authorizations: int) -> Content:
    """What to do in an empty configuration."""
    done = ("✓", "bold $text-success") if authorizations else "○"
    key = "bold $primary"
    return Content.assemble(
        ("No jobs yet.\n\n" if authorizations else "Nothing is set up yet.\n\n", "bold"),
        done,
        "  An authorization gives access to Azure: press ",
        ("2", key),
        ", then ",
        ("n", key),
        ".\n○  A job says which file goes into which stream: press ",
        ("n", key),
        ".\n\n",
        ("Runs go on in the background when this screen is closed.\nPress ? for all keys.", "dim"),
    )
