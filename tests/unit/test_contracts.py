"""What holds for the whole repository: arrows between rooms, and no address to download from."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_WRITTEN = {".py", ".toml", ".md", ".tcss", ".cfg", ".ini", ".txt", ".json", ".yml", ".yaml", ".sh", ".lock", ""}


def _files() -> list[Path]:
    """Every file of the repository that people write; outside a checkout, of the source tree."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode == 0:
        paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    else:
        hidden = re.compile(r"/(\.[^/]+|__pycache__)/")
        paths = [path for path in ROOT.rglob("*") if not hidden.search(str(path.relative_to(ROOT.parent)) + "/")]
    return [path for path in paths if path.suffix in _WRITTEN and path.is_file()]


def test_arrows_between_rooms_point_down() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    found = subprocess.run([str(program), "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr


# Joined here, so that this file does not hold what it looks for.
HOSTS = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("registry", "npmjs", "org"),
        ("registry", "yarnpkg", "com"),
        ("nodejs", "org/dist"),
        ("ghcr", "io"),
        ("docker", "io"),
        ("raw", "githubusercontent", "com"),
        ("proxy", "golang", "org"),
    )
]


@pytest.mark.parametrize("host", HOSTS)
def test_no_file_names_a_place_to_download_from(host: str) -> None:
    naming = [
        str(path.relative_to(ROOT)) for path in _files() if host in path.read_text(encoding="utf-8", errors="replace")
    ]
    assert naming == []


def test_no_file_has_an_index_address() -> None:
    option = re.compile(r"--(?:extra-)?index-url|--registry[ =]http|--find-links|index-url\s*=")
    naming = [
        str(path.relative_to(ROOT))
        for path in _files()
        if path != Path(__file__) and option.search(path.read_text(encoding="utf-8", errors="replace"))
    ]
    assert naming == []


def test_the_repository_is_looked_through() -> None:
    names = {path.relative_to(ROOT).as_posix() for path in _files()}
    assert {"pyproject.toml", "README.md", "lytics_azure_tui/errors.py"} <= names
