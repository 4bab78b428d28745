"""What a CSV file needs that is opened in a spreadsheet."""

from __future__ import annotations

from typing import Annotated

from lytics_azure_tui.model.form import Ask

DefuseFormulas = Annotated[
    bool,
    Ask(
        "Defuse Formulas",
        "For files that are opened in a spreadsheet: ' before text that begins with = + - @, a tab or a carriage "
        "return and is no number. Programs that read the file get the ' too.",
        advanced=True,
    ),
]
ByteOrderMark = Annotated[
    bool, Ask("Byte Order Mark", "Tells Excel that the file is in UTF-8. Other programs may stumble.", advanced=True)
]
