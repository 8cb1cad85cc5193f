"""How news reads."""

from __future__ import annotations

import json

import pytest

from bittrader.notify.message import Message, News, late, message
from bittrader.notify.results import ended_words, result_words

NOON = 1_800_014_400.0  # 12:00 UTC
FACTS = {
    "study": "first",
    "objectives": [{"metric": "sharpe", "direction": "maximize"}],
    "best": {"number": 3, "params": {"fast": 37, "slow": 394}, "metrics": {"sharpe": 1.2749}, "feasible": True},
    "verdict": {"call": "luck"},
    "evaluations": {"asked": 80, "finished": 78, "failed": 2},
}


def test_several_pieces_of_news_are_one_message_and_old_ones_say_when_they_were():
    news = [News("lost", NOON - 600, "air has lost the head: no network."), News("back", NOON, "air is back.")]
    assert message("air", news, 3, NOON) == Message(
        "Bittrader: air",
        "11:50 UTC: air has lost the head: no network.\nair is back.\nAnd 3 more since: see the log.",
    )


def test_a_line_is_never_longer_than_every_service_takes():
    news = [News("finished", 0.0, "x" * 1_000_000)] * 20
    assert len(message("desk", news, 0, 0.0).body) == 20 * 500 + 19


def test_a_message_that_was_late_says_so():
    assert late(Message("t", "air is back."), NOON).body == "(of 12:00 UTC)\nair is back."


def test_a_studys_result_is_one_line():
    assert result_words(FACTS) == (
        "Study first is done: sharpe 1.275 with fast 37, slow 394; verdict: luck; 78 evaluations."
    )


def test_a_study_without_verdict_or_with_many_parameters_says_what_it_has():
    params = {f"p{place}": 0.123456 for place in range(9)}
    facts = {**FACTS, "verdict": None, "best": {"params": params, "metrics": {"sharpe": None}, "feasible": False}}
    said = result_words(facts)
    assert "sharpe undefined with p0 0.1235, " in said
    assert "3 more (no set keeps the conditions); 78 evaluations." in said


def test_a_study_of_which_nothing_finished_says_that():
    assert "none of 80 evaluations finished" in result_words({**FACTS, "best": None})


@pytest.mark.parametrize(
    ("code", "output", "words"),
    [
        (0, f"a bar\n{json.dumps(FACTS)}\n", result_words(FACTS)),
        (0, f"{json.dumps(FACTS)}\nbittrader: a last word\n", result_words(FACTS)),
        (1, json.dumps({**FACTS, "best": None}), "Study first is done: none of 80 evaluations finished."),
        (0, "", "Study first is done: bittrader studies show first"),
        (0, '{"study": "first"}', "Study first is done: bittrader studies show first"),
        (0, '{"study":' + "[" * 200_000, "Study first is done: bittrader studies show first"),
        (0, json.dumps({**FACTS, "best": {"metrics": []}}), "Study first is done: bittrader studies show first"),
        (0, "{cut off", "Study first is done: bittrader studies show first"),
        (2, "x\nbittrader: there is no study 'first'.\n", "Study first failed: there is no study 'first'."),
        (1, "", "Study first failed: it ended with code 1"),
    ],
)
def test_a_detached_studys_end_is_read_from_what_its_process_printed(code, output, words):
    assert ended_words("first", code, output) == words
