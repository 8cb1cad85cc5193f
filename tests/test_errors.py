"""What is said of failures, ours and others'."""

from __future__ import annotations

import pytest

from bittrader.errors import last_words


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("", ""),
        ("\n \n", ""),
        ("works\nbittrader: the disk is full\n\n", "the disk is full"),
        ("Traceback:\n  KeyError: 'x'  \n", "KeyError: 'x'"),
        ("x" * 1000, "x" * 300),
    ],
)
def test_the_last_words_of_a_program_are_its_last_line_without_our_name(output, said):
    assert last_words(output) == said
