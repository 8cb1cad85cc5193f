"""Whether a search runs is known from what nodes said lately."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bittrader.cluster.side import FORGOTTEN_SECONDS, searching

ages = st.dictionaries(st.sampled_from("abcd"), st.floats(0, 10_000), max_size=4)


@given(ages=ages, of=st.lists(st.sampled_from("abcd"), max_size=5))
def test_a_search_runs_if_its_computer_was_heard_of_lately_and_is_one_of_ours(
    ages: dict[str, float], of: list[str]
) -> None:
    known = {
        "nodes": [{"node": node, "age_seconds": age} for node, age in ages.items()],
        "studies": [{"node": node, "study": "mine"} for node in of],
    }
    assert searching(known) == bool([node for node in of if node in ages and ages[node] < FORGOTTEN_SECONDS])
