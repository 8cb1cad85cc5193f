from __future__ import annotations

import platform

from hypothesis import given
from hypothesis import strategies as st

from bittrader.cluster.facts import Facts, differences, facts_here, in_words

WORDS = st.sampled_from(["3.11.7", "3.11.8", "2.60.0", "none"])
FACTS = st.builds(Facts, python=WORDS, ray=WORDS, bittrader=WORDS)
HEAD = Facts("3.11.7", "2.60.0", "0.1.0")


@given(FACTS, FACTS)
def test_what_differs_is_what_is_named(here: Facts, head: Facts) -> None:
    named = {one.what.lower() for one in differences(here, head)}
    assert named == {name for name in Facts.names() if getattr(here, name) != getattr(head, name)}


@given(FACTS)
def test_equal_computers_differ_in_nothing(facts: Facts) -> None:
    assert in_words(differences(facts, facts)) is None


def test_a_patch_version_is_a_difference_and_the_command_that_mends_it_is_said() -> None:
    words = in_words(differences(Facts("3.11.8", "2.60.0", "0.1.0"), HEAD))
    assert words == (
        "this computer runs Python 3.11.8, the head runs Python 3.11.7: "
        "uv venv --clear --python 3.11.7 .venv && make setup"
    )


def test_a_package_that_is_not_there_is_said_to_be_missing() -> None:
    words = in_words(differences(Facts("3.11.7", "none", "0.1.0"), HEAD))
    assert words == "this computer has no Ray, the head runs Ray 2.60.0: uv pip install --python .venv ray==2.60.0"


def test_this_process_knows_what_it_runs() -> None:
    here = facts_here()
    assert here.python == platform.python_version()
    assert here.bittrader == "0.1.0"
    assert Facts.of(here.as_json()) == here
