"""What is said of failures, ours and others'."""

from __future__ import annotations

import pytest

from bittrader.errors import last_words, reason_of


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


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (PermissionError(13, "Failed to open 'x'. Detail: [errno 13] Permission denied"), "Permission denied"),
        (FileNotFoundError(2, "No such file or directory", "x.csv"), "No such file or directory"),
        (OSError("Not a Feather file"), "Not a Feather file"),
        (ValueError("It is damaged,\n or no such file."), "It is damaged, or no such file"),
    ],
)
def test_the_reason_of_a_failure_has_no_number_no_path_and_no_full_stop(error, said):
    assert reason_of(error) == said
