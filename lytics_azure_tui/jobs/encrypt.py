"""PGP of what is being written: through the gpg program by two pipes. Nothing is on a disk, and memory stays flat."""

from __future__ import annotations

import contextlib
import subprocess
import threading
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path

from lytics_azure_tui.errors import Fatal
from lytics_azure_tui.jobs import pgp

_PIECE = 1 << 20


def encrypted(content: Iterable[bytes], public_key: str, scratch: Path) -> Generator[bytes, None, None]:
    """A PGP message (RFC 9580) for a key's owner. The same content gives other bytes each time.

    Args:
        public_key: in ASCII armour; `pgp.check_public_key` has looked at it.
        scratch: a folder for gpg's home, which holds the public key while this goes on.

    Raises:
        Fatal: gpg has failed.
    """
    with pgp.opened(scratch) as gpg:
        gpg.import_keys(public_key)
        # What is worth compressing is compressed before or after by whoever asked for it.
        command = [
            *(str(gpg.gpgbinary), "--homedir", str(gpg.gnupghome), "--no-autostart", "--batch", "--no-tty", "--quiet"),
            *("--trust-model", "always", "--compress-algo", "none", "--recipient", gpg.list_keys()[0]["fingerprint"]),
            *("--output", "-", "--encrypt"),
        ]
        with (scratch / "gpg.log").open("w+b") as said, _process(command, said.fileno()) as process:
            yield from _through(process, content)
            if process.wait() != 0:
                said.seek(0)
                words = said.read(2000).decode(errors="replace").strip().splitlines()
                why = words[-1].removeprefix("gpg: ") if words else f"It ended with {process.returncode}"
                raise Fatal("gpg could not encrypt the file", why=why, fix="Look at the key, and try again")


@contextlib.contextmanager
def _process(command: list[str], errors: int) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, bufsize=0)
    try:
        yield process
    finally:
        # Its input must not come to an end before it does: that would make a message that is whole, of half a file.
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


def _through(process: subprocess.Popen[bytes], content: Iterable[bytes]) -> Iterator[bytes]:
    """Feeds a process by a thread, and gives what it writes."""
    given, taken = process.stdin, process.stdout
    if given is None or taken is None:
        raise ValueError("the process has no pipes")
    failures: list[BaseException] = []

    def feed() -> None:
        try:
            for piece in content:
                rest = memoryview(piece)
                while rest:
                    rest = rest[given.write(rest) :]
            given.close()
        except BrokenPipeError:
            # The process has ended, and its exit code says why.
            pass
        except BaseException as error:
            failures.append(error)
            process.kill()

    thread = threading.Thread(target=feed, name="gpg", daemon=True)
    thread.start()
    try:
        while piece := taken.read(_PIECE):
            yield piece
    except BaseException:
        # Nobody reads on: this ends the process, and that ends the thread.
        process.kill()
        raise
    finally:
        thread.join()
    if failures:
        raise failures[0]
