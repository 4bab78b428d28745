"""The sample data's large file: what visitors of a shop did, written by DuckDB in about a second a million rows."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb

from lytics_azure_tui.sandbox import people

COLUMNS = (
    "event_id", "event_time", "user_id", "session_id", "event", "page", "product", "price", "country", "device",
)  # fmt: skip
EVENTS = ("view", "view", "view", "view", "view", "search", "add to cart", "remove from cart", "purchase")

# Everything about a row follows from its number by md5, whose result no version of anything will change.
_ROWS = """
SELECT
    printf('E%08d', n) AS event_id,
    strftime(start + to_microseconds((n * step) :: BIGINT), '%Y-%m-%dT%H:%M:%S.%gZ') AS event_time,
    printf('C%06d', 1 + dice % 20000) AS user_id,
    lower(hex(dice % 16777216 * 256 + (n // 500) % 256)) AS session_id,
    events[1 + (dice // 7) % len(events)] AS event,
    pages[1 + (dice // 11) % len(pages)] AS page,
    CASE WHEN event NOT IN ('view', 'search') THEN products[1 + (dice // 13) % len(products)] END AS product,
    CASE WHEN product IS NOT NULL THEN printf('%d.90', 9 + (dice // 17) % 280) END AS price,
    countries[1 + (dice // 19) % len(countries)] AS country,
    devices[1 + (dice // 23) % len(devices)] AS device
FROM (SELECT n, (md5_number_lower(n :: VARCHAR) >> 4) :: BIGINT AS dice FROM range($rows) AS numbers(n)),
     (SELECT $start :: TIMESTAMP AS start, $step AS step, $events AS events, $pages AS pages, $products AS products,
             $countries AS countries, $devices AS devices)
ORDER BY n
"""


def write_web_events(path: Path, *, rows: int, first_day: date, days: int) -> None:
    """Writes a CSV of events in the order of their time, spread evenly over some days.

    Args:
        path: the file to write, over one that is there.
    """
    arguments = {
        "rows": rows,
        "start": first_day.isoformat(),
        "step": days * 86_400 * 1_000_000 / rows,
        "events": list(EVENTS),
        "pages": list(people.PAGES),
        "products": list(people.PRODUCTS),
        "countries": [country for _, country in people.CITIES],
        "devices": list(people.DEVICES),
    }
    with duckdb.connect() as database:
        database.execute("SET preserve_insertion_order = true")
        database.sql(_ROWS, params=arguments).write_csv(str(path), sep=",", header=True)
