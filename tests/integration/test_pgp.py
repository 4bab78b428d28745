"""Public keys are looked at by the real gpg before they are kept."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import gnupg
import pytest

from lytics_azure_tui.errors import BadConfiguration
from lytics_azure_tui.jobs.pgp import check_public_key
from lytics_azure_tui.model.authorization import AzureStorage
from lytics_azure_tui.runner.doctor import State
from lytics_azure_tui.runner.doctor.access import pgp_key
from lytics_azure_tui.runner.doctor.check import guarded

ELLIPTIC = {"key_type": "EDDSA", "key_curve": "ed25519"}
FOR_FILES = {"subkey_type": "ECDH", "subkey_curve": "cv25519"}


class Owner:
    """Somebody with a key ring of their own."""

    def __init__(self, home: str) -> None:
        self._gpg = gnupg.GPG(gnupghome=home)

    def key(self, name: str, **options: str | int) -> str:
        """A new key's fingerprint."""
        text = self._gpg.gen_key_input(
            name_real=name, name_email=f"{name.lower()}@example.com", no_protection=True, **options
        )
        made = self._gpg.gen_key(text)
        assert made.fingerprint, made.stderr
        return str(made.fingerprint)

    def public(self, *fingerprints: str) -> str:
        return str(self._gpg.export_keys(list(fingerprints)))

    def private(self, fingerprint: str) -> str:
        return str(self._gpg.export_keys(fingerprint, True, expect_passphrase=False))

    def revoke(self, fingerprint: str) -> None:
        home = Path(self._gpg.gnupghome)
        text = (home / "openpgp-revocs.d" / f"{fingerprint}.rev").read_text()
        # The colon keeps it from being imported by accident.
        assert self._gpg.import_keys(text.replace(":-----BEGIN", "-----BEGIN")).returncode == 0


@pytest.fixture(scope="module")
def owner() -> Iterator[Owner]:
    with tempfile.TemporaryDirectory(prefix="gpg", ignore_cleanup_errors=True) as home:
        yield Owner(home)
        subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=False, capture_output=True)


def test_a_key_for_files_says_whose_it_is(owner: Owner) -> None:
    fingerprint = owner.key("Ada", **ELLIPTIC, **FOR_FILES)
    found = check_public_key(f"\n  {owner.public(fingerprint)}\n\n")
    assert found.fingerprint == fingerprint
    assert found.user_ids == ("Ada <ada@example.com>",)
    assert (found.algorithm, found.expires) == ("ed25519", None)


def test_an_rsa_key_says_its_size_and_its_end(owner: Owner) -> None:
    fingerprint = owner.key("Grace", key_type="RSA", key_length=2048, expire_date="2100-01-01")
    found = check_public_key(owner.public(fingerprint))
    assert found.algorithm == "RSA 2048"
    assert found.expires is not None
    assert found.expires.year in (2099, 2100)
    assert found.expires > datetime.now(UTC)


def test_a_private_key_is_refused(owner: Owner) -> None:
    private = owner.private(owner.key("Mallory", **ELLIPTIC, **FOR_FILES))
    assert "PRIVATE KEY BLOCK" in private
    with pytest.raises(BadConfiguration, match="This is a private key"):
        check_public_key(private)
    with pytest.raises(BadConfiguration, match="This is a private key"):
        check_public_key(private.replace("PRIVATE KEY", "PUBLIC KEY"))


def test_an_expired_key_is_refused(owner: Owner) -> None:
    armour = owner.public(owner.key("Old", **ELLIPTIC, **FOR_FILES, expire_date="seconds=1"))
    time.sleep(2.1)
    with pytest.raises(BadConfiguration, match=f"This key expired on {datetime.now(UTC):%Y-%m-}"):
        check_public_key(armour)


def test_the_doctor_tells_a_key_that_has_expired_and_one_that_soon_will(owner: Owner) -> None:
    states = {}
    for name, end in (("Gone", "seconds=1"), ("Soon", "2d"), ("Later", "1y"), ("Always", "0")):
        armour = owner.public(owner.key(name, **ELLIPTIC, **FOR_FILES, expire_date=end))
        authorization = AzureStorage(id="a", label=name, pgppublickey=armour)
        time.sleep(2.1 if name == "Gone" else 0)
        (check,) = guarded("pgp key", partial(pgp_key, authorization), subject=name)
        states[name] = check.state
    assert states == {
        "Gone": State.PROBLEM,
        "Soon": State.WARNING,
        "Later": State.OK,
        "Always": State.OK,
    }


def test_a_key_that_only_signs_is_refused(owner: Owner) -> None:
    armour = owner.public(owner.key("Signer", **ELLIPTIC, key_usage="sign"))
    with pytest.raises(BadConfiguration, match="Files cannot be encrypted for this key"):
        check_public_key(armour)


def test_a_revoked_key_is_refused(owner: Owner) -> None:
    fingerprint = owner.key("Gone", **ELLIPTIC, **FOR_FILES)
    owner.revoke(fingerprint)
    with pytest.raises(BadConfiguration, match="This key was revoked"):
        check_public_key(owner.public(fingerprint))


def test_of_several_keys_one_must_be_chosen(owner: Owner) -> None:
    both = owner.public(owner.key("Two", **ELLIPTIC, **FOR_FILES), owner.key("Three", **ELLIPTIC, **FOR_FILES))
    with pytest.raises(BadConfiguration, match="These are 2 keys"):
        check_public_key(both)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "ssh-ed25519 AAAAC3Nza ada@example.com",
        "-----BEGIN PGP MESSAGE-----\n\nabc\n-----END PGP MESSAGE-----",
    ],
)
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(BadConfiguration, match="This is not a PGP public key") as caught:
        check_public_key(text)
    assert "gpg --armor --export" in caught.value.fix


def test_a_key_that_was_cut_off_is_refused(owner: Owner) -> None:
    armour = owner.public(owner.key("Cut", **ELLIPTIC, **FOR_FILES))
    with pytest.raises(BadConfiguration, match="gpg finds no key in this"):
        check_public_key(armour[:150])


def test_a_text_without_an_end_is_refused() -> None:
    with pytest.raises(BadConfiguration, match="too long"):
        check_public_key("-----BEGIN PGP PUBLIC KEY BLOCK-----\n" + "A" * 2_000_000)


def test_without_gpg_it_says_how_to_get_it(owner: Owner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    armour = owner.public(owner.key("Late", **ELLIPTIC, **FOR_FILES))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BadConfiguration, match="The program gpg is not there") as caught:
        check_public_key(armour)
    assert "apt install gnupg" in caught.value.fix


def test_nothing_of_it_stays(owner: Owner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    armour = owner.public(owner.key("Tidy", **ELLIPTIC, **FOR_FILES))
    short = Path(tempfile.mkdtemp(prefix="t"))
    monkeypatch.setattr(tempfile, "tempdir", str(short))
    try:
        check_public_key(armour)
        with pytest.raises(BadConfiguration):
            check_public_key(armour[:150])
        assert list(short.iterdir()) == []
        agents = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
        assert str(short) not in agents
    finally:
        shutil.rmtree(short)
