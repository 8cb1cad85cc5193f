"""Whether a search runs is known from what nodes said lately."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bittrader.cluster.side import FORGOTTEN_SECONDS, searching

AGES = st.dictionaries(st.sampled_from("abcd"), st.floats(FORGOTTEN_SECONDS, 10_000), max_size=4)


def cluster(ages: dict[str, float], searched_by: list[str]) -> dict[str, list[dict[str, object]]]:
    """What a head knows of nodes with these ages, and of the searches of some."""
    return {
        "nodes": [{"node": node, "age_seconds": age} for node, age in ages.items()],
        "studies": [{"node": node, "study": "mine"} for node in searched_by],
    }


@given(ages=AGES, searched_by=st.lists(st.sampled_from("abcdx")))
def test_a_search_of_computers_that_are_silent_for_long_or_unknown_does_not_count(
    ages: dict[str, float], searched_by: list[str]
) -> None:
    assert not searching(cluster(ages, searched_by))


@given(ages=AGES, searched_by=st.lists(st.sampled_from("abcdx")), lately=st.floats(0, FORGOTTEN_SECONDS - 1))
def test_one_search_of_a_computer_that_was_heard_of_lately_is_enough(
    ages: dict[str, float], searched_by: list[str], lately: float
) -> None:
    assert searching(cluster({**ages, "here": lately}, [*searched_by, "here"]))


@given(ages=st.dictionaries(st.sampled_from("abcd"), st.floats(0, 10_000)))
def test_without_a_study_nobody_searches(ages: dict[str, float]) -> None:
    assert not searching(cluster(ages, []))
