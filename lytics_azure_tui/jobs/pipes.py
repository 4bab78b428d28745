"""A program that what is moved goes through: fed by one pipe and read by another, so that memory stays flat."""

from __future__ import annotations

import contextlib
import subprocess
import threading
from collections.abc import Iterable, Iterator, Sequence

PIECE = 1 << 20


@contextlib.contextmanager
def process(command: list[str], errors: int, inherited: Sequence[int] = ()) -> Iterator[subprocess.Popen[bytes]]:
    """A program that is ended with the block.

    Args:
        errors: a file descriptor for what it says.
        inherited: other file descriptors that it may use.
    """
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, bufsize=0, pass_fds=inherited
    )
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


def through(process: subprocess.Popen[bytes], content: Iterable[bytes]) -> Iterator[bytes]:
    """Feeds a program by a thread, and gives what it writes. What the content raises ends the program and is raised."""
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
        while piece := taken.read(PIECE):
            yield piece
    except BaseException:
        # Nobody reads on: this ends the process, and that ends the thread.
        process.kill()
        raise
    finally:
        thread.join()
    if failures:
        raise failures[0]
