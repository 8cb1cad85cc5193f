from __future__ import annotations

import platform
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bittrader.cluster.facts import Facts, differences, facts_here, in_words
from bittrader.paths import INSTALLED

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


@given(here=FACTS, head=FACTS)
def test_what_the_installers_made_is_mended_by_their_zips_and_never_by_a_clones_commands(here, head) -> None:
    for one in differences(replace(here, by_installer=True), head):
        assert one.mend == "take zips of one version for both, and run their installer again where it is another"
        assert not any(word in one.mend for word in ("git", "make", ".venv"))


@pytest.mark.parametrize("is_there", [True, False])
def test_an_environment_of_the_installers_is_known_by_their_stamp(tmp_path, monkeypatch, is_there) -> None:
    monkeypatch.setattr("sys.prefix", str(tmp_path))
    if is_there:
        (tmp_path / INSTALLED).touch()
    assert facts_here().by_installer == is_there
    assert Facts.of(facts_here().as_json()).by_installer == is_there


def test_a_package_that_is_not_there_is_said_to_be_missing() -> None:
    words = in_words(differences(Facts("3.11.7", "none", "0.1.0"), HEAD))
    assert words == "this computer has no Ray, the head runs Ray 2.60.0: uv pip install --python .venv ray==2.60.0"


def test_this_process_knows_what_it_runs() -> None:
    here = facts_here()
    assert here.python == platform.python_version()
    assert here.bittrader == "0.1.0"
    assert Facts.of(here.as_json()) == here
