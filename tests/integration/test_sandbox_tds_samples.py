"""The database of the demo: what is in it, the same every time, and whom it shares with the sample files."""

from __future__ import annotations

from pathlib import Path
from random import Random

from lytics_azure_tui.sandbox import people
from lytics_azure_tui.sandbox.sample_data import FIRST_DAY
from lytics_azure_tui.sandbox.sample_tables import ACTIVITIES, CUSTOMERS, ORDERS, fill
from lytics_azure_tui.sandbox.tds import SqlServer


def test_the_tables_of_the_demo(tmp_path: Path) -> None:
    said: list[str] = []
    # The stand-in keeps a database of DuckDB's, whose own files take no ? in their path.
    with SqlServer(tmp_path.parent) as server:
        count = fill(server, said.append)
        assert "1,000,000 rows" in said[0]
        with server.session() as session:
            sizes = session.rows(
                "SELECT s.name + '.' + o.name, p.row_count FROM sys.objects o JOIN sys.schemas s "
                "ON s.schema_id = o.schema_id JOIN sys.dm_db_partition_stats p ON p.object_id = o.object_id "
                "AND p.index_id IN (0, 1)"
            )
            assert dict(sizes).items() >= {
                ("sales.customers", CUSTOMERS), ("sales.orders", ORDERS), ("web.activity", ACTIVITIES),
            }  # fmt: skip
            assert sum(rows for _, rows in sizes) == count
            random = Random("customers")
            known = [people.customer(random, number, FIRST_DAY)[1] for number in range(1, 101)]
            emails = session.rows("SELECT TOP 100 email FROM sales.customers ORDER BY customer_id")
            assert [email for (email,) in emails] == known
            assert (
                session.rows(
                    "SELECT COUNT(*), COUNT(DISTINCT a.email), MIN(a.occurred_at), CONVERT(varchar(33), "
                    "MAX(a.occurred_at), 126) "
                    "FROM web.activity a JOIN sales.customers c ON c.customer_id = a.user_id AND c.email = a.email"
                )[0][0]
                == session.rows("SELECT COUNT(email) FROM web.activity")[0][0]
            )
            sample = (
                "SELECT activity_id, CONVERT(varchar(33), occurred_at, 126), category, session_id FROM web.activity"
            )
            assert [
                tuple(map(str, row)) for row in session.rows(f"{sample} WHERE activity_id IN (1, 1000000) ORDER BY 1")
            ] == [
                ("1", "2026-03-24T00:00:08.5260961", "view", "cfcd2084-95d5-65ef-66e7-dff9f98764da"),
                ("1000000", "2026-06-22T00:00:00.0388944", "view", "a4203849-97c8-a1a9-3d5a-84046117c2aa"),
            ]
            assert session.rows("SELECT COUNT(*) FROM sales.customer_totals WHERE total > 0")[0][0] > CUSTOMERS * 0.9
