"""PGP by the gpg program: whether a public key can be used for encrypting files."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import gnupg

from lytics_azure_tui.errors import BadConfiguration

_LARGEST = 1_000_000
_ALGORITHMS = {"1": "RSA", "16": "Elgamal", "17": "DSA", "18": "ECDH", "19": "ECDSA", "22": "EdDSA"}
_EXPORT = "Ask its owner for the result of: gpg --armor --export ADDRESS"


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """A public key that files can be encrypted for.

    Attributes:
        user_ids: names and addresses, as the key says; data from outside.
        fingerprint: in hexadecimal.
        algorithm: such as "RSA 4096" or "ed25519".
        expires: when it can be used no longer, UTC; None for never.
    """

    user_ids: tuple[str, ...]
    fingerprint: str
    algorithm: str
    expires: datetime | None


def check_public_key(armour: str) -> KeyInfo:
    """Looks at a key with gpg, in a folder that is removed afterwards, and encrypts a byte for it.

    Raises:
        BadConfiguration: it is private, none or several keys, expired or revoked, or not one for encrypting; or there
            is no gpg.
    """
    armour = armour.strip()
    _require("PRIVATE KEY BLOCK" not in armour, "This is a private key", _PRIVATE)
    _require(armour.startswith("-----BEGIN PGP PUBLIC KEY BLOCK"), "This is not a PGP public key", _EXPORT)
    _require(len(armour) <= _LARGEST, "This is too long for a PGP public key", _EXPORT)
    with opened() as gpg:
        # Only looked at: nothing of it is kept before it is known to be public.
        found = list(gpg.scan_keys_mem(armour))
        _require(all(key["type"] == "pub" for key in found), "This is a private key", _PRIVATE)
        _require(bool(found), "gpg finds no key in this", f"It may have been cut off. {_EXPORT}")
        _require(len(found) == 1, f"These are {len(found)} keys", "Enter the one that files are to be encrypted for")
        gpg.import_keys(armour)
        keys = list(gpg.list_keys())
        _require(len(keys) == 1, "gpg does not accept this key", f"It may lack a self-signature. {_EXPORT}")
        key = keys[0]
        info = KeyInfo(tuple(key["uids"]), str(key["fingerprint"]), _algorithm(key), _expires(key))
        _require(key["trust"] != "r", "This key was revoked", "Ask its owner for the new one")
        _require(
            info.expires is None or info.expires > datetime.now(UTC),
            f"This key expired on {info.expires:%Y-%m-%d}" if info.expires else "",
            "Ask its owner for the new one",
        )
        tried = gpg.encrypt(b"\n", info.fingerprint, always_trust=True)
        _require(bool(tried.ok), "Files cannot be encrypted for this key", "It has no part for encryption. " + _EXPORT)
    return info


_PRIVATE = (
    "Enter the public key only: gpg --armor --export ADDRESS. "
    "If the private one was sent to others, its owner should revoke it"
)


def _require(holds: bool, what: str, fix: str) -> None:
    if not holds:
        raise BadConfiguration(what, fix=fix)


@contextmanager
def opened(folder: Path | None = None) -> Iterator[gnupg.GPG]:
    """gpg with a home of its own, which is removed afterwards; without an agent, which would stay behind.

    Args:
        folder: where to make its home; else where the system keeps what is temporary.

    Raises:
        BadConfiguration: there is no gpg.
    """
    with tempfile.TemporaryDirectory(prefix="gpg", dir=folder, ignore_cleanup_errors=True) as home:
        try:
            gpg = gnupg.GPG(gnupghome=home, options=["--no-autostart"])
            # Else names and comments of keys go through latin-1, and fail.
            gpg.encoding = "utf-8"
        except (OSError, ValueError):
            gpg = None
        _require(
            gpg is not None, "The program gpg is not there", "Install it: apt install gnupg, or brew install gnupg"
        )
        yield gpg


def _algorithm(key: Mapping[str, Any]) -> str:
    return str(key["curve"] or f"{_ALGORITHMS.get(key['algo'], 'algorithm ' + key['algo'])} {key['length']}")


def _expires(key: Mapping[str, Any]) -> datetime | None:
    """The end of the whole key, or of the last of its parts for encryption if that comes first."""
    parts = [part for part in key.get("subkey_info", {}).values() if "e" in part["cap"] and part["trust"] != "r"]
    ends = [_moment(key["expires"])]
    if parts and "e" not in key["cap"]:
        lasts = [_moment(part["expires"]) for part in parts]
        ends.append(None if None in lasts else max(moment for moment in lasts if moment is not None))
    return min((moment for moment in ends if moment is not None), default=None)


def _moment(seconds: str) -> datetime | None:
    return datetime.fromtimestamp(int(seconds), UTC) if seconds else None
