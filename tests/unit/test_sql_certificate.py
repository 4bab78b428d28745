"""Names in a server's certificate, compared with the name that it was called by."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from OpenSSL.crypto import X509

from lytics_azure_tui.azure.sql_certificate import names_host

KEY = ec.generate_private_key(ec.SECP256R1())


def certificate(*names: str, common: str = "somebody") -> X509:
    """One for alternative names; those that are addresses are told as such."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(KEY.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    if names:
        told = [
            x509.IPAddress(ipaddress.ip_address(name)) if name.replace(".", "").isdigit() or ":" in name
            else x509.DNSName(name)
            for name in names
        ]  # fmt: skip
        builder = builder.add_extension(x509.SubjectAlternativeName(told), critical=False)
    return X509.from_cryptography(builder.sign(KEY, hashes.SHA256()))


@pytest.mark.parametrize(
    ("names", "host"),
    [
        (("shop.database.windows.net",), "shop.database.windows.net"),
        (("*.database.windows.net",), "SHOP.Database.Windows.NET"),
        (("*.Database.Windows.Net",), "shop.database.windows.net"),
        (("other.example", "DNS.example"), "dns.example"),
        (("SND.example",), "snd.example"),
        (("db.example",), "db.example."),
        (("10.0.0.7",), "10.0.0.7"),
        (("::1",), "0:0:0:0:0:0:0:1"),
        (("xn--mnchen-3ya.example",), "xn--mnchen-3ya.example"),
    ],
)
def test_a_name_that_the_certificate_has(names: tuple[str, ...], host: str) -> None:
    assert names_host(certificate(*names), host.encode())


@pytest.mark.parametrize(
    ("names", "host"),
    [
        (("SNDdb.example",), "db.example"),
        (("DNS.example",), "example"),
        (("*.database.windows.net",), "database.windows.net"),
        (("*.database.windows.net",), "a.b.database.windows.net"),
        (("shop*.windows.net",), "shop1.windows.net"),
        (("*.net",), "windows.net"),
        (("*",), "localhost"),
        (("db.example",), "db.example.org"),
        (("*.0.0.7",), "10.0.0.7"),
        (("10.0.0.7",), "10.0.0.8"),
        (("other.example",), "somebody"),
        (("10.0.0.7",), "somebody"),
    ],
)
def test_a_name_that_it_does_not_have(names: tuple[str, ...], host: str) -> None:
    assert not names_host(certificate(*names), host.encode())


@pytest.mark.parametrize("common", ["sql01.corp.example", "SQL01.Corp.Example", "*.corp.example"])
def test_the_common_name_counts_where_there_is_no_other(common: str) -> None:
    assert names_host(certificate(common=common), b"sql01.corp.example")
    assert not names_host(certificate(common=common), b"sql01.corp.example.net")
