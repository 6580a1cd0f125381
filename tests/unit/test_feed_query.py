"""Queries for PostgreSQL: only what is a parameter becomes a number."""

from __future__ import annotations

import pytest

from monitor.config.query import mistakes, numbered


@pytest.mark.parametrize(
    ("query", "expected", "names"),
    [
        ("SELECT :a, :b, :a", "SELECT $1, $2, $1", ("a", "b")),
        ("SELECT x::int, ':a', \":a\" -- :a\n, :a", "SELECT x::int, ':a', \":a\" -- :a\n, $1", ("a",)),
        ("SELECT $$ :a $$, $t$ :a $t$ /* :a */, :b::date", "SELECT $$ :a $$, $t$ :a $t$ /* :a */, $1::date", ("b",)),
        ("SELECT 'it''s :a'", "SELECT 'it''s :a'", ()),
    ],
)
def test_names_become_numbers(query, expected, names):
    assert numbered(query) == (expected, names)


def test_mistakes_are_found_without_a_server():
    assert list(mistakes("SELECT x::int FROM t WHERE y = :year", {}, sqlite=False)) == []
    assert [said for said, _ in mistakes("DELETE FROM t", {}, sqlite=False)] == ["the query is no SELECT"]
    assert [said for said, _ in mistakes("SELECT :kind", {"other": 1}, sqlite=False)] == [
        "the query asks for :kind, which is not given", "the parameter 'other' does not stand in the query",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "query",
    [
        "WITH gone AS (DELETE FROM t RETURNING *) SELECT * FROM gone",
        "WITH x AS MATERIALIZED (UPDATE ONLY t SET a = 1 RETURNING a) SELECT * FROM x",
        "WITH x AS (SELECT 1) MERGE INTO t USING x ON true WHEN MATCHED THEN DO NOTHING",
        "SELECT * INTO copy FROM t",
    ],
)
def test_what_writes_on_a_server_is_found_without_it(query):
    assert list(mistakes(query, (), sqlite=False)) == [
        ("the query writes", "a feed only reads: write one SELECT"),
    ]  # fmt: skip


def test_a_second_statement_is_found_without_a_server():
    assert [said for said, _ in mistakes("SELECT 1; DROP TABLE t", (), sqlite=False)] == [
        "the query is more than one statement",
    ]  # fmt: skip
    assert list(mistakes("SELECT $$into; x$$, ';' ; -- the end", (), sqlite=False)) == []
