"""Lines are cut into files of a largest size, and no line in two."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from lytics_azure_tui.jobs.split import split

LINES = st.lists(st.binary(max_size=30).map(lambda line: line.replace(b"\n", b"x") + b"\n"), max_size=40)


@example(lines=[b"long\n", b"\n"], cuts=[5], most=1)
@given(lines=LINES, cuts=st.lists(st.integers(0, 1200), max_size=10), most=st.integers(1, 200))
def test_files_hold_all_lines_whole_and_as_many_as_fit(lines: list[bytes], cuts: list[int], most: int) -> None:
    whole = b"".join(lines)
    places = sorted({0, len(whole), *(cut for cut in cuts if cut < len(whole))})
    pieces = [whole[start:end] for start, end in pairwise(places)]
    files: list[list[bytes]] = []
    for piece in split(pieces, most):
        content = b"".join(piece.content())
        assert content.endswith(b"\n")
        files.append(lines_of(content))
        assert piece.lines == len(files[-1])
    assert [line for file in files for line in file] == lines
    for file, following in pairwise(files):
        assert sum(map(len, file)) + len(following[0]) > most, "another line would have fitted"
    for file in files:
        assert sum(map(len, file)) <= most or len(file) == 1


def lines_of(content: bytes) -> list[bytes]:
    return [line + b"\n" for line in content.split(b"\n")[:-1]]
