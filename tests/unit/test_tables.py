"""Rows of sums (`sim.ledger.tables`)."""

import numpy as np

from sim.ledger.tables import add_by, add_where


def test_each_entry_goes_to_its_row() -> None:
    table = np.ones((3, 2))
    add_by(table, np.array([0, 2, 2]), [np.array([1, 2, 3]), np.array([10, 20, 30])])
    assert table.tolist() == [[2, 11], [1, 1], [6, 51]]


def test_the_chosen_entries_alone() -> None:
    row, values = np.array([0, 1, 1]), [np.array([1, 2, 3])]
    for chosen, expected in (
        ([True, True, True], [[1], [5]]),
        ([True, False, True], [[1], [3]]),
        ([False, False, False], [[0], [0]]),
    ):
        table = np.zeros((2, 1))
        add_where(table, row, values, np.array(chosen))
        assert table.tolist() == expected
