"""The rows of the sample data: invented people, shops and orders. Addresses end in names reserved for examples."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from random import Random

Row = tuple[str, ...]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


FIRST_NAMES = _words("""
    Ada Aisha Amélie Andrés Anja Bao Benedikt Birgit Camila Chidi Clara Dagmar Daniel Deepa Eero Elena Emeka Fatima
    Felix Freya Gustav Hana Henrik Ines Isaac Ivana James Jomo Jürgen Kamal Karin Keiko Lars Leila Liam Lucía Magnus
    Maja Marek Mei Miguel Nadia Niamh Noor Olga Omar Paula Pedro Priya Quentin Rania Ravi Rosa Samuel Sanne Sofia
    Søren Tariq Tomás Uma Valentin Wanda Xenia Yara Yusuf Zoë
""")
LAST_NAMES = _words("""
    Abara Almeida Andersen Bauer Becker Bianchi Carvalho Castillo Chen Costa Dubois Eriksen Farah Fischer Fontaine
    García Gruber Haddad Hansen Hoffmann Horvat Ivanova Jansen Jensen Kaya Keller Kim Kowalski Lambert Larsen
    Lehmann Lindqvist Martín Mbeki Meyer Moreau Murphy Müller Nakamura Nguyen Novák O'Brien Okafor Olsen Osei Park
    Patel Pereira Petrov Ramírez Rossi Sato Schäfer Silva Singh Smith Suzuki Tanaka Tran Vasquez Virtanen Wagner
    Weber Zhang Zimmermann
""")
CITIES = (
    ("Amsterdam", "NL"), ("Athens", "GR"), ("Barcelona", "ES"), ("Bergen", "NO"), ("Berlin", "DE"), ("Boston", "US"),
    ("Bristol", "GB"), ("Brussels", "BE"), ("Copenhagen", "DK"), ("Cork", "IE"), ("Denver", "US"), ("Dublin", "IE"),
    ("Edinburgh", "GB"), ("Gdańsk", "PL"), ("Geneva", "CH"), ("Ghent", "BE"), ("Gothenburg", "SE"), ("Graz", "AT"),
    ("Helsinki", "FI"), ("Köln", "DE"), ("Kraków", "PL"), ("Leeds", "GB"), ("Lisbon", "PT"), ("Ljubljana", "SI"),
    ("London", "GB"), ("Lyon", "FR"), ("Madrid", "ES"), ("Malmö", "SE"), ("Milan", "IT"), ("Montréal", "CA"),
    ("München", "DE"), ("Oslo", "NO"), ("Paris", "FR"), ("Porto", "PT"), ("Portland, OR", "US"), ("Prague", "CZ"),
    ("Rome", "IT"), ("Rotterdam", "NL"), ("Seattle", "US"), ("Seville", "ES"), ("Toronto", "CA"), ("Turin", "IT"),
    ("Utrecht", "NL"), ("Vancouver", "CA"), ("Vienna", "AT"), ("Warsaw", "PL"), ("Zagreb", "HR"), ("Zürich", "CH"),
)  # fmt: skip
PRODUCTS = (
    "Trail jacket", "Merino jumper", "Rain cape", "Canvas tote", "Wool socks, 3 pairs", "Hiking boots", "Linen shirt",
    "Steel bottle 0.7 l", "Camp stove", "Down vest", "Head torch", "Picnic rug", "Tent, 2 persons", "Sun hat",
    "Daypack 22 l", "Sleeping bag", "Trekking poles", "Enamel mug", "Swim shorts", "Fleece gloves",
)  # fmt: skip
SEGMENTS = ("new", "casual", "regular", "regular", "loyal", "at risk")
PAGES = (
    "/",
    "/jackets",
    "/boots",
    "/camping",
    "/sale",
    "/cart",
    "/checkout",
    "/account",
    "/stores",
    "/journal/packing-light",
)
DEVICES = ("phone", "phone", "phone", "desktop", "desktop", "tablet")
DOMAINS = ("example.com", "example.org", "example.net")

CUSTOMER_COLUMNS: Row = (
    "customer_id", "email", "first_name", "last_name", "city", "country", "segment", "lifetime_value", "newsletter",
    "updated_at",
)  # fmt: skip
MEMBER_COLUMNS: Row = ("member_id", "email", "tier", "points", "changed_at")
STORE_COLUMNS: Row = ("store_id", "name", "city", "country", "opened", "square_metres")
CONTACT_COLUMNS: Row = ("contact_id", "name", "email", "company", "city", "last_contact")
ANSWER_COLUMNS: Row = ("email", "score", "answered_at")
FEEDBACK_COLUMNS: Row = ("feedback_id", "email", "text", "given_at")
PAGE_VIEW_COLUMNS: Row = ("visitor_id", "page", "device", "country", "seconds", "viewed_at")
ORDER_COLUMNS: Row = ("order_id", "email", "product", "quantity", "price", "ordered_at")

REMARKS = (
    "Arrived a day early.\nThe jacket fits as it should.",
    'The zip of the "old" model was better.\n\nPlease bring it back!',
    "Parcel was wet; what was in it was not.",
    "Two of three socks, then the third came by post.\nThank you, Ines.",
    "Size 43, ordered 42.\r\nSent back, new ones came within a week.",
    "I asked for a gift box, and got one: very kind.",
)


def customer(random: Random, number: int, day: date) -> Row:
    """A customer as first seen, changed at some time in the month before."""
    first, last, (city, country) = random.choice(FIRST_NAMES), random.choice(LAST_NAMES), random.choice(CITIES)
    seen = _within(random, day - timedelta(days=random.randint(1, 30)))
    value = f"{random.lognormvariate(5, 1):.2f}"
    subscribed = random.choice(("true", "true", "false"))
    email = _email(random, first, last, number)
    return (f"C{number:06}", email, first, last, city, country, random.choice(SEGMENTS), value, subscribed, seen)


def changed(random: Random, row: Row, day: date) -> Row:
    """The same customer after a purchase, a move, or a click on unsubscribe."""
    number, email, first, last, city, country, segment, value, subscribed, _ = row
    kind = random.random()
    if kind < 0.7:
        value = f"{float(value) + random.uniform(9, 180):.2f}"
        segment = random.choice(SEGMENTS)
    elif kind < 0.9:
        city, country = random.choice(CITIES)
    else:
        subscribed = "false" if subscribed == "true" else "true"
    return (number, email, first, last, city, country, segment, value, subscribed, _within(random, day))


def member(random: Random, moment: datetime) -> Row:
    """A change of points in the six hours before a moment."""
    number = random.randint(1, 9000)
    changed_at = moment - timedelta(seconds=random.randint(1, 6 * 3600))
    tier = random.choice(("blue", "blue", "silver", "gold"))
    return (f"M{number:05}", f"member{number}@example.org", tier, str(random.randint(0, 400) * 10), _iso(changed_at))


def store(random: Random, number: int) -> Row:
    """A shop of a partner."""
    city, country = random.choice(CITIES)
    opened = date(1998, 1, 1) + timedelta(days=random.randint(0, 10000))
    name = f"{random.choice(LAST_NAMES)} & {random.choice(('Sons', 'Daughters', 'Co.', 'Outdoor'))}"
    return (f"S{number:03}", name, city, country, opened.isoformat(), str(random.randint(60, 900)))


def contact(random: Random, number: int) -> Row:
    """A person at a partner."""
    first, last, (city, _) = random.choice(FIRST_NAMES), random.choice(LAST_NAMES), random.choice(CITIES)
    company = f"{random.choice(LAST_NAMES)} {random.choice(('GmbH', 'AG', 'SARL', 'Ltd', 'BV'))}"
    spoken = _within(random, date(2025, 7, 1) + timedelta(days=random.randint(0, 330)))
    return (f"P{number}", f"{first} {last}", _email(random, first, last, number), company, city, spoken)


def answer(random: Random, start: date) -> Row:
    """A score from 0 to 10."""
    number = random.randint(1, 20_000)
    score = random.choice((10, 10, 9, 9, 9, 8, 8, 7, 7, 6, 5, 3, 0))
    answered = _within(random, start + timedelta(days=random.randint(0, 60)))
    return (f"customer{number}@example.net", str(score), answered)


def feedback(random: Random, number: int, day: date) -> Row:
    """A remark, often of several lines."""
    first, last = random.choice(FIRST_NAMES), random.choice(LAST_NAMES)
    given = _within(random, day - timedelta(days=random.randint(0, 90)))
    return (f"F{number:04}", _email(random, first, last, number), random.choice(REMARKS), given)


def page_view(random: Random, day: date, hour: int) -> Row:
    """One page on one screen."""
    viewed = datetime.combine(day, time(hour), UTC) + timedelta(seconds=random.randint(0, 7199))
    country = random.choice(CITIES)[1]
    seconds = str(int(random.expovariate(1 / 40)))
    return (
        f"{random.getrandbits(48):012x}",
        random.choice(PAGES),
        random.choice(DEVICES),
        country,
        seconds,
        _iso(viewed),
    )


def order(random: Random, year: int, month: int) -> Row:
    """A line of an order."""
    ordered = _within(random, date(year, month, random.randint(1, 28)))
    first, last = random.choice(FIRST_NAMES), random.choice(LAST_NAMES)
    number = random.randint(1, 20_000)
    price = f"{random.randint(9, 290)}.90"
    product, quantity = random.choice(PRODUCTS), str(random.choice((1, 1, 1, 2, 3)))
    return (
        f"O{year}{random.randint(1, 999_999):06}",
        _email(random, first, last, number),
        product,
        quantity,
        price,
        ordered,
    )


def _email(random: Random, first: str, last: str, number: int) -> str:
    plain = f"{first}.{last}".lower().encode("ascii", "ignore").decode().replace("'", "")
    return f"{plain}{number}@{random.choice(DOMAINS)}"


def _within(random: Random, day: date) -> str:
    return _iso(datetime.combine(day, time(), UTC) + timedelta(seconds=random.randint(0, 86_399)))


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
