"""Whether a server's certificate is made out to the name that the server was called by (RFC 9525)."""

from __future__ import annotations

import ipaddress
from contextlib import suppress

from cryptography import x509
from cryptography.x509.oid import NameOID
from OpenSSL.crypto import X509


def names_host(cert: X509, name: bytes) -> bool:
    """Whether a certificate is made out to a host. Upper and lower case are the same.

    The subject's common name counts only where the certificate has no alternative names: those that SQL Server's setup
    and older authorities make have none.

    Args:
        cert: as the server sent it; its authority has been checked.
        name: of the host, or its address.
    """
    host = _plain(name.decode("ascii"))
    try:
        found = cert.to_cryptography()
        names, addresses = _alternatives(found)
        if not names and not addresses:
            names = [str(one.value) for one in found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    except ValueError:
        # What cannot be read names nobody.
        return False
    with suppress(ValueError):
        address = ipaddress.ip_address(host)
        return address in addresses or host in names
    return any(_covers(_plain(one), host) for one in names)


def _alternatives(certificate: x509.Certificate) -> tuple[list[str], list[object]]:
    """The DNS names and the addresses of a certificate."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return [], []
    return found.get_values_for_type(x509.DNSName), list(found.get_values_for_type(x509.IPAddress))


def _plain(name: str) -> str:
    return name.lower().removesuffix(".")


def _covers(pattern: str, host: str) -> bool:
    """Whether a name in a certificate is the host's; a * stands for the whole of its first label."""
    first, _, rest = pattern.partition(".")
    if first != "*":
        return pattern == host
    return "." in rest and rest == host.partition(".")[2]
