"""What an import of a table remembers between runs: of what it was, how far it is, and what not to take twice."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from lytics_azure_tui.errors import Undecided
from lytics_azure_tui.model.sql_import import SqlImport


@dataclass(frozen=True, slots=True)
class Identity:
    """What a checkpoint is of: the same words in another database, or in a table made anew, are about other rows.

    Attributes:
        server: by which name and port it is reached, in lower case.
        database: as the server writes it, in lower case.
        object_id, created: of the table or view.
        column, type: by which rows are known to be new.
    """

    server: str
    database: str
    object_id: int
    created: str
    column: str
    type: str

    def differences(self, before: Identity) -> list[str]:
        """What is not as it was, in words."""
        found = [
            f"{what} was {was}, and is {now}"
            for what, was, now in (
                ("the server", before.server, self.server),
                ("the database", before.database, self.database),
                ("the column that tells what is new", before.column, self.column),
                (f"the type of {self.column}", before.type, self.type),
            )
            if was != now
        ]
        if (before.object_id, before.created) != (self.object_id, self.created):
            found.append(f"the table was created at {before.created}, and is one created at {self.created}")
        return found


@dataclass(frozen=True, slots=True)
class Memory:
    """A checkpoint, taken apart.

    Attributes:
        watermark: the latest time that was imported, as the server wrote it.
        window: from this time on the next run looks again.
        version: the rowversion up to which everything was imported, in hexadecimal.
        columns: (name, declared type) of the columns that the hashes are of.
        seen: the folder with the hashes of the rows from `window` on, and of those without a time.
        identity: what it is of; None where an older version of this program has not written it down.
        accepted: a person has said to go on, whatever it is of now.
    """

    watermark: str | None = None
    window: str | None = None
    version: str | None = None
    columns: tuple[tuple[str, str], ...] = ()
    seen: str | None = None
    identity: Identity | None = None
    accepted: bool = False

    @classmethod
    def of(cls, checkpoint: dict[str, Any] | None, config: SqlImport) -> Memory:
        """The memory for a job as it is now: of another table, column, stream or kind of watermark it knows nothing."""
        if not checkpoint or checkpoint["where"] != _where(config):
            return cls()
        identity = checkpoint.get("identity")
        return cls(
            watermark=checkpoint["watermark"],
            window=checkpoint["window"],
            version=checkpoint["version"],
            columns=tuple((name, kind) for name, kind in checkpoint["columns"]),
            seen=checkpoint["seen"],
            identity=Identity(**identity) if identity else None,
            accepted=checkpoint.get("accepted", False),
        )

    def checkpoint(self, config: SqlImport) -> dict[str, Any]:
        """As JSON values."""
        return {
            "where": _where(config),
            "watermark": self.watermark,
            "window": self.window,
            "version": self.version,
            "columns": [list(column) for column in self.columns],
            "seen": self.seen,
            "identity": asdict(self.identity) if self.identity else None,
        }

    def for_source(self, now: Identity, newest: str | None, config: SqlImport) -> Memory:
        """The memory, where it is of what there is now, or where the job or a person has said how to go on.

        Args:
            now: what there is now.
            newest: the rowversion up to which rows may be there by now, in hexadecimal; None where none tells.

        Raises:
            Undecided: it is of something else, and nobody has said.
        """
        if self.watermark is None and self.version is None and self.seen is None:
            return self
        restored = self.version is not None and newest is not None and int(self.version, 16) > int(newest, 16)
        differences = now.differences(self.identity) if self.identity else []
        if restored:
            differences.append(f"the database was at rowversion 0x{self.version}, and is only at 0x{newest} now")
        if not differences:
            return self
        only_recreated = (
            self.identity is not None
            and not restored
            and replace(self.identity, object_id=now.object_id, created=now.created) == now
        )
        if only_recreated and config.recreated_table == "anew":
            return Memory()
        if self.accepted or (only_recreated and config.recreated_table == "go_on"):
            return replace(self, version=newest) if restored else self
        raise _question(config, differences, self._behind(restored, newest))

    def _behind(self, restored: bool, newest: str | None) -> str:
        """Which rows come when one goes on."""
        if self.watermark is not None:
            return f"only rows later than {self.watermark}"
        if self.version is None:
            return "only rows without a time that it has not had"
        return f"only rows whose rowversion is greater than 0x{newest if restored else self.version}"


def _question(config: SqlImport, differences: list[str], behind: str) -> Undecided:
    told = "; ".join(differences)
    return Undecided(
        f"{config.source} is not what the last run has read, and nothing was imported",
        why=told[0].upper() + told[1:],
        fix=f"Correct the authorization if it names the wrong database. Else choose: begin anew imports all rows, also "
        f"those that are in {config.stream} already; go on imports {behind}. On the dashboard press p; without "
        "screens, --begin-anew or --go-on with the job's label",
    )


def _where(config: SqlImport) -> list[str]:
    return [*config.table(), config.timestamp_field.casefold(), config.stream, config.watermark]
