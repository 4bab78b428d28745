"""Connection strings: every form that Azure hands out, every way a paste spoils one, and no value ever shown."""

from __future__ import annotations

import base64
import random
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lytics_azure_tui.errors import BadConfiguration
from lytics_azure_tui.model.connection_string import EventHubConnection, StorageConnection
from lytics_azure_tui.model.secret import Secret

KEY = base64.b64encode(bytes(range(64))).decode()
SAS = "sv=2024-11-04&ss=b&srt=sco&sp=rl&se=2030-01-31T12:00:00Z&st=2026-01-01&spr=https&sig=a%2Fb%3D"
ACCOUNT = f"DefaultEndpointsProtocol=https;AccountName=contoso;AccountKey={KEY};EndpointSuffix=core.windows.net"
HUB = f"Endpoint=sb://contoso.servicebus.windows.net/;SharedAccessKeyName=send;SharedAccessKey={KEY};EntityPath=events"


def storage(text: str) -> StorageConnection:
    return StorageConnection.parse(Secret(text))


def hub(text: str) -> EventHubConnection:
    return EventHubConnection.parse(Secret(text))


def test_an_account_key_keeps_its_equals_signs() -> None:
    assert KEY.endswith("==")
    assert storage(ACCOUNT) == StorageConnection("contoso", "https://contoso.blob.core.windows.net", key=Secret(KEY))


@pytest.mark.parametrize("mark", ["", "?", "https://contoso.blob.core.windows.net/?"])
def test_a_signature_is_read_with_and_without_what_stands_before_it(mark: str) -> None:
    found = storage(f"BlobEndpoint=https://contoso.blob.core.windows.net/;SharedAccessSignature={mark}{SAS}")
    assert found == StorageConnection("contoso", "https://contoso.blob.core.windows.net", sas=Secret(SAS))


def test_a_signature_needs_no_blob_endpoint_when_the_account_is_named() -> None:
    found = storage(f"AccountName=contoso;SharedAccessSignature={SAS};EndpointSuffix=core.chinacloudapi.cn")
    assert found.endpoint == "https://contoso.blob.core.chinacloudapi.cn"
    assert found.sas == Secret(SAS)


def test_a_signature_may_stand_in_the_blob_endpoint() -> None:
    found = storage(f"BlobEndpoint=https://contoso.blob.core.windows.net/?{SAS}")
    assert (found.endpoint, found.sas) == ("https://contoso.blob.core.windows.net", Secret(SAS))


def test_a_blob_endpoint_alone_reaches_public_containers() -> None:
    found = storage("BlobEndpoint=https://contoso.blob.core.windows.net")
    assert found == StorageConnection("contoso", "https://contoso.blob.core.windows.net")
    assert found.anonymous
    assert found.sas_facts() is None


def test_the_portal_s_endpoints_of_other_services_do_not_matter() -> None:
    text = "".join(
        f"{name}Endpoint=https://contoso.{name.lower()}.core.windows.net/;" for name in ("Queue", "File", "Table")
    )
    assert storage(f"{text}{ACCOUNT}") == storage(ACCOUNT)


def test_the_emulator_is_named_in_its_exact_case() -> None:
    found = storage("UseDevelopmentStorage=true")
    assert (found.account, found.endpoint) == ("devstoreaccount1", "http://127.0.0.1:10000/devstoreaccount1")
    assert found.key
    for wrong in ("True", "TRUE", "1", "yes"):
        with pytest.raises(BadConfiguration, match="exactly true"):
            storage(f"UseDevelopmentStorage={wrong}")


def test_the_emulator_may_run_on_another_machine() -> None:
    found = storage("UseDevelopmentStorage=true;DevelopmentStorageProxyUri=http://build-host")
    assert found.endpoint == "http://build-host:10000/devstoreaccount1"


def test_an_emulator_with_a_port_of_its_own_names_its_account_in_the_path() -> None:
    found = storage(f"BlobEndpoint=http://127.0.0.1:12345/devstoreaccount1/;AccountKey={KEY}")
    assert (found.account, found.endpoint) == ("devstoreaccount1", "http://127.0.0.1:12345/devstoreaccount1")


@pytest.mark.parametrize("quote", ['"{}"', "'{}'", "\u201c{}\u201d", "`{}`", "  {};  \n", "\ufeff{}\x00"])
def test_quotes_and_space_around_a_paste_do_not_matter(quote: str) -> None:
    assert storage(quote.format(ACCOUNT)) == storage(ACCOUNT)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is missing"),
        (" \n", "is missing"),
        ('""', "is missing"),
        ("hello", "not a list"),
        (f"https://contoso.blob.core.windows.net/?{SAS}", "not a list"),
        ("AccountName=contoso", "neither an AccountKey nor"),
        (f"AccountKey={KEY}", "neither an AccountName nor a BlobEndpoint"),
        ("AccountName=;AccountKey=abcd", "no value for AccountName"),
        ("AccountName;AccountKey=abcd", "no value for AccountName"),
        (f"AccountName=Contoso Ltd!;AccountKey={KEY}", "AccountName that is not lower case"),
        (f"AccountName=contoso;AccountKey={KEY[:-3]}", "AccountKey that is not whole"),
        (f"AccountName=contoso;AccountName=contoso;AccountKey={KEY}", "AccountName twice"),
        (f"AccountName=contoso;AccountKey={KEY};SharedAccessSignature={SAS}", "both an AccountKey and"),
        ("AccountName=contoso;SharedAccessSignature=sv=1&sp=r", "without a sig"),
        (f"AccountName=contoso;AccountKey={KEY};Pancake=1", "not known, number 3"),
        (f"DefaultEndpointsProtocol=ftp;AccountName=contoso;AccountKey={KEY}", "neither https nor http"),
        (f"BlobEndpoint=contoso.blob.core.windows.net;AccountKey={KEY}", "begin with https://"),
        (f"BlobEndpoint=https://user:word@contoso.net;AccountKey={KEY}", "more in it than a host"),
        (f"BlobEndpoint=https://contoso.blob.core.windows.net/exports?{SAS}", "goes on after its host name"),
        (f"BlobEndpoint=https://contoso.net:99999;AccountKey={KEY}", "cannot be read"),
        (f"BlobEndpoint=https://[::1;AccountKey={KEY}", "cannot be read"),
        (f"AccountName=contoso;AccountKey={KEY};EndpointSuffix=core.windows.net/x", "not a host name"),
        ("UseDevelopmentStorage=true;AccountName=contoso", "emulator and an account at once"),
        (HUB, "is one of an event hub"),
    ],
)
def test_what_is_wrong_with_a_storage_string_is_said(text: str, why: str) -> None:
    with pytest.raises(BadConfiguration, match=why) as caught:
        storage(text)
    assert caught.value.fix
    assert caught.value.__context__ is None


def test_a_misspelt_name_is_told_from_an_unknown_one() -> None:
    with pytest.raises(BadConfiguration, match=r"Did you mean AccountKey\?"):
        storage(f"AccountName=contoso;AcountKey={KEY}")


def test_nothing_stored_is_an_error_of_its_own() -> None:
    with pytest.raises(BadConfiguration, match=r"is missing\. Edit the authorization"):
        StorageConnection.parse(None)
    with pytest.raises(BadConfiguration, match=r"is missing\. Edit the authorization"):
        EventHubConnection.parse(None)


def test_a_signature_says_until_when_and_for_what() -> None:
    facts = storage(f"AccountName=contoso;SharedAccessSignature={SAS}").sas_facts()
    assert facts is not None
    assert facts.expires == datetime(2030, 1, 31, 12, tzinfo=UTC)
    assert facts.starts == datetime(2026, 1, 1, tzinfo=UTC)
    assert (facts.permissions, facts.services, facts.resource_types, facts.https_only) == ("rl", "b", "sco", True)
    assert not facts.expired(datetime(2030, 1, 31, 11, 59, tzinfo=UTC))
    assert facts.expired(datetime(2030, 1, 31, 12, tzinfo=UTC))
    assert facts.not_yet(datetime(2025, 12, 31, tzinfo=UTC))
    assert (facts.may("l", "s"), facts.may("r", "o"), facts.may("cw", "o")) == (True, True, False)
    assert "a%2Fb" not in repr(facts)


@pytest.mark.parametrize(
    ("token", "letters", "level", "expected"),
    [
        ("ss=qt&srt=sco&sp=rl&sig=x", "r", "o", False),
        ("ss=b&srt=o&sp=rl&sig=x", "l", "s", False),
        ("sr=c&sp=rl&sig=x", "l", "c", True),
        ("sr=c&sp=rl&sig=x", "l", "s", False),
        ("sr=b&sp=r&sig=x", "l", "c", False),
        ("sr=b&sp=r&sig=x", "r", "o", True),
        ("sr=c&si=policy&sig=x", "r", "o", None),
    ],
)
def test_rights_follow_services_levels_and_policies(
    token: str, letters: str, level: str, expected: bool | None
) -> None:
    facts = storage(f"AccountName=contoso;SharedAccessSignature={token}").sas_facts()
    assert facts is not None
    assert facts.may(letters, level) is expected


@pytest.mark.parametrize("end", ["tomorrow", "0001-01-01T00:00:00%2B14:00", ""])
def test_a_date_that_cannot_be_read_is_no_date(end: str) -> None:
    facts = storage(f"AccountName=contoso;SharedAccessSignature=se={end}&sig=x").sas_facts()
    assert facts is not None
    assert facts.expires is None
    assert not facts.expired(datetime.now(UTC))


def test_an_event_hub_is_read_whole() -> None:
    assert hub(HUB) == EventHubConnection(
        namespace="contoso.servicebus.windows.net",
        endpoint="sb://contoso.servicebus.windows.net",
        entity_path="events",
        key_name="send",
        key=Secret(KEY),
    )


def test_a_namespace_s_string_names_no_hub() -> None:
    assert hub(HUB.replace(";EntityPath=events", "")).entity_path == ""


def test_the_hub_comes_from_the_string_or_from_beside_it() -> None:
    of_namespace = hub(HUB.replace(";EntityPath=events", ""))
    assert of_namespace.of("audiences").entity_path == "audiences"
    assert hub(HUB).of(None).entity_path == hub(HUB).of("Events").entity_path == "events"
    with pytest.raises(BadConfiguration, match="no hub is named"):
        of_namespace.of("")
    with pytest.raises(BadConfiguration, match="of the hub events, not of audiences"):
        hub(HUB).of("audiences")


def test_an_event_hub_signature_says_when_it_ends() -> None:
    text = "Endpoint=sb://c.net;SharedAccessSignature=SharedAccessSignature sr=x&sig=aGk%3D&se=1767225600&skn=p"
    assert hub(text).expires == datetime(2026, 1, 1, tzinfo=UTC)
    assert hub(text.replace("&se=1767225600", "")).expires is None
    assert hub(HUB).expires is None


def test_the_event_hub_emulator_keeps_its_port() -> None:
    text = f"Endpoint=sb://127.0.0.1:5673;SharedAccessKeyName=root;SharedAccessKey={KEY};UseDevelopmentEmulator="
    found = hub(f"{text}true;")
    assert (found.emulator, found.port, found.endpoint) == (True, 5673, "sb://127.0.0.1:5673")
    assert not hub(f"{text}false").emulator
    with pytest.raises(BadConfiguration, match="neither true nor false"):
        hub(f"{text}True")


def test_an_event_hub_signature_keeps_the_space_after_its_first_word() -> None:
    sas = "SharedAccessSignature sr=sb%3a%2f%2fcontoso&sig=a%3D&se=1900000000&skn=send"
    found = hub(f"Endpoint=sb://contoso.servicebus.windows.net/;SharedAccessSignature={sas}\n;EntityPath=events")
    assert found.sas == Secret(sas)
    assert found.key is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("SharedAccessKeyName=a;SharedAccessKey=b", "no Endpoint"),
        ("Endpoint=https://contoso.net;SharedAccessKeyName=a;SharedAccessKey=b", "begin with sb://"),
        ("Endpoint=sb://contoso.net;SharedAccessKey=b", "no SharedAccessKeyName"),
        ("Endpoint=sb://contoso.net;SharedAccessKeyName=b", "no SharedAccessKey"),
        (f"{HUB};SharedAccessSignature=SharedAccessSignature sig=x", "both a SharedAccessKey and"),
        (ACCOUNT, "is one of a storage account"),
    ],
)
def test_what_is_wrong_with_an_event_hub_string_is_said(text: str, why: str) -> None:
    with pytest.raises(BadConfiguration, match=why) as caught:
        hub(text)
    assert caught.value.fix


# What holds for all of them

secrets = st.binary(min_size=12, max_size=64).map(lambda data: base64.b64encode(data).decode())
accounts = st.from_regex(r"[a-z][a-z0-9]{2,23}", fullmatch=True)


@st.composite
def storage_parts(draw: st.DrawFn) -> tuple[list[str], str]:
    """The parts of a good string in the order of the portal, and its secret."""
    account, secret = draw(accounts), draw(secrets)
    parts = [f"AccountName={account}"]
    if draw(st.booleans()):
        parts.append(f"AccountKey={secret}")
    else:
        secret = secret.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")
        parts.append(f"SharedAccessSignature={draw(st.sampled_from(['', '?']))}sv=1&sig={secret}&sp=r")
    if draw(st.booleans()):
        parts.append(f"BlobEndpoint=https://{account}.blob.core.windows.net/")
    else:
        parts.append("EndpointSuffix=core.windows.net")
    if draw(st.booleans()):
        parts.append("DefaultEndpointsProtocol=https")
    return parts, secret


def shown(value: object) -> str:
    error = f"{value.__context__!r} {value.__cause__!r}" if isinstance(value, BaseException) else ""
    return f"{value!r} {value!s} {value} {error}"


@given(storage_parts(), st.randoms(use_true_random=False))
def test_order_line_breaks_and_letter_case_of_names_do_not_matter(
    made: tuple[list[str], str], chance: random.Random
) -> None:
    parts, _ = made
    expected = storage(";".join(parts))
    shuffled = chance.sample(parts, len(parts))
    cased = [name.upper() + "=" + value for name, _, value in (part.partition("=") for part in shuffled)]
    text = ";".join(cased)
    wrapped = "".join(char + chance.choice(["", "", "", "\n", "\r\n", " ", "\t", "\u00a0"]) for char in text)
    assert storage(wrapped) == expected


@given(storage_parts())
def test_a_parsed_string_shows_nothing_secret(made: tuple[list[str], str]) -> None:
    parts, secret = made
    found = storage(";".join(parts))
    kept = found.key or found.sas
    assert kept is not None
    assert secret in kept.reveal()
    assert secret not in shown(found) + shown(found.sas_facts())


@given(storage_parts(), st.data())
def test_an_error_shows_nothing_secret(made: tuple[list[str], str], data: st.DataObject) -> None:
    """However a good string is spoilt: a part gone, doubled, cut, or with the secret where a name should be."""
    parts, secret = made
    spoilt: list[Callable[[], list[str]]] = [
        lambda: parts[1:],
        lambda: [*parts, parts[1]],
        lambda: [*parts, secret],
        lambda: [*parts, f"{secret}=x"],
        lambda: [part.replace("=", "", 1) for part in parts],
        lambda: [part.replace("AccountName=", f"AccountName={secret}") for part in parts],
        lambda: [f"BlobEndpoint=https://{secret}@host", *parts],
        lambda: [f"BlobEndpoint={secret}", *parts],
        lambda: [f"EndpointSuffix={secret}", *parts],
        lambda: [*parts, f"UseDevelopmentStorage={secret}"],
        lambda: [f"Endpoint=sb://{secret}", *parts],
    ]
    text = ";".join(data.draw(st.sampled_from(spoilt))())
    for parse in (StorageConnection.parse, EventHubConnection.parse):
        parser: Any = parse
        try:
            found = parser(Secret(text))
        except BadConfiguration as error:
            found = error
        assert secret.rstrip("=").lower() not in shown(found).lower()


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    for parse in (StorageConnection.parse, EventHubConnection.parse):
        parser: Any = parse
        try:
            parser(Secret(text))
        except BadConfiguration as error:
            assert error.fix
