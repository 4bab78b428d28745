"""Connected components, against a union-find in plain Python."""

from __future__ import annotations

from collections import defaultdict

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from lytics_azure_tui.lytics.duck import database
from lytics_azure_tui.lytics.workspace.identity import components

Edges = list[tuple[int, int]]


def found(edges: Edges) -> set[frozenset[int]]:
    with database(memory=128 << 20) as connection:
        connection.execute("CREATE TEMP TABLE edges (a BIGINT, b BIGINT)")
        if edges:
            connection.executemany("INSERT INTO edges VALUES (?, ?)", edges)
        components(connection, "edges", "found")
        groups = defaultdict[int, set[int]](set)
        for node, root in connection.execute("SELECT n, root FROM found").fetchall():
            groups[root].add(node)
        assert all(root in group for root, group in groups.items())
    return {frozenset(group) for group in groups.values()}


def expected(edges: Edges) -> set[frozenset[int]]:
    parent = {node: node for edge in edges for node in edge}

    def root(node: int) -> int:
        while parent[node] != node:
            node = parent[node]
        return node

    for a, b in edges:
        parent[root(a)] = root(b)
    groups = defaultdict[int, set[int]](set)
    for node in parent:
        groups[root(node)].add(node)
    return {frozenset(group) for group in groups.values()}


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=40))
def test_nodes_that_edges_tie_are_one_component(edges: Edges) -> None:
    assert found(edges) == expected(edges)


@pytest.mark.parametrize(
    "edges",
    [[(n, n + 1) for n in range(300)], [(0, n) for n in range(1, 300)], [(n, n // 2) for n in range(1, 300)], [(1, 1)]],
    ids=["chain", "star", "tree", "alone"],
)
def test_shapes(edges: Edges) -> None:
    assert found(edges) == expected(edges)
