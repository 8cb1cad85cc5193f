import base64
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.report import samples

from bittrader.report.build import build
from bittrader.report.front_part import FRONT_LISTED, FRONT_SHOWN, SETS_SHOWN, front_part
from bittrader.report.page import embedded, render
from bittrader.report.sample import sample
from bittrader.report.study_part import study_part


def size(column):
    return len(base64.b64decode(column["bdata"])) // 4 if isinstance(column, dict) else len(column)


def part(study):
    return study_part(study, study.best[0].params)


@settings(max_examples=25)
@given(st.integers(2, 300), st.integers(2, 5), st.booleans())
def test_every_study_of_several_objectives_can_be_shown(finished, count, bounded):
    objectives = ("sharpe", "max_drawdown", "win_rate", "trades", "exposure")[:count]
    study = samples.choosing(finished, objectives=objectives, where=("profit_factor >= 0.5",) if bounded else ())
    page = build([samples.result(params=study.best[0].params)], study)
    json.loads(embedded({figure.key: figure.spec() for figure in page.figures()}))
    if study.front:
        assert len(page.study.front.pairs) == min(6, count * (count - 1) // 2)


def test_one_objective_has_no_front():
    assert front_part(samples.study()) is None
    assert "Pareto" not in render(build([samples.result()], samples.study()))


def test_the_front_is_in_the_table_and_in_the_picture():
    study = samples.choosing()
    found = front_part(study)
    (pair,) = found.pairs
    assert len(found.table.rows) == len(study.front) == len(pair.data[-2]["x"])
    assert found.table.keys == (3, 4)
    assert f"{len(study.front)} sets are on the Pareto front" in found.lead
    assert all("fast" in words for words in pair.data[-2]["customdata"])


def test_objectives_that_one_set_is_best_in_do_not_pull_apart():
    study = samples.choosing()
    found = front_part(replace(study, front=study.front[:1], front_left_out=0))
    assert "one set alone is the Pareto front" in found.lead
    assert "pull apart" not in found.lead


def test_sets_that_break_a_condition_may_be_better_than_the_front():
    lead = front_part(samples.choosing(where=("exposure >= 0.5",))).lead
    assert "no other set tried that keeps the conditions is better" in lead


def test_a_large_front_is_listed_and_drawn_in_an_even_share_with_both_ends():
    study = samples.choosing(200)
    large = replace(study, front=tuple(replace(study.front[0], number=n) for n in range(1000)))
    found = front_part(large)
    assert len(found.table.rows) == FRONT_LISTED
    assert (found.table.rows[0].cells[0], found.table.rows[-1].cells[0]) == ("0", "999")
    assert len(found.pairs[0].data[-2]["x"]) == FRONT_SHOWN


def test_a_large_study_puts_few_points_on_the_page():
    found = front_part(samples.choosing(20_000))
    assert all(size(trace["x"]) <= SETS_SHOWN for trace in found.pairs[0].data)


def test_sets_that_break_a_condition_are_drawn_apart_and_stated():
    study = samples.choosing(where=("exposure >= 0.5", "trades < 90%"))
    shown = part(study)
    names = [trace["name"] for trace in shown.front.pairs[0].data]
    assert names == ["Breaks a condition", "Set tried", "Pareto front", "Shown on this page"]
    assert f"{study.infeasible} of 500 sets break that" in shown.conditions
    assert "time in the market >= 50.00%" in shown.conditions
    assert dict(shown.facts)["Break a condition"] == str(study.infeasible)
    assert set(shown.progress.data[0]["marker"]["color"]) == {"var(--broken)", "var(--point)"}


def test_what_breaks_a_condition_is_never_drawn_as_the_best():
    study = samples.choosing(objectives=("sharpe",), where=("exposure >= 0.9",))
    drawn = sample(study)
    assert drawn.feasible[drawn.best]
    assert drawn.values[drawn.best] == study.best[0].metrics["sharpe"]
    line = np.frombuffer(base64.b64decode(part(study).progress.data[1]["y"]["bdata"]), dtype="<f4")
    assert np.isfinite(line).all()
    assert line[-1] == np.float32(study.best[0].metrics["sharpe"])


def test_where_nothing_keeps_the_conditions_the_nearest_is_shown_and_that_is_said():
    study = samples.choosing(where=("exposure > 2",))
    shown = part(study)
    assert shown.front is None
    assert "None keeps it, so the nearest are shown." in shown.conditions
    assert not any(row.feasible for row in shown.best.rows)
    html = render(build([samples.result(params=study.best[0].params)], study))
    assert html.count('<tr class="broken"') == 20


@pytest.mark.parametrize("evil", ["<script>alert(1)</script>"])
def test_parameters_of_the_front_are_harmless(evil):
    study = samples.choosing(50)
    named = replace(study, front=tuple(replace(trial, params={evil: evil}) for trial in study.front))
    assert "<script>alert" not in render(build([samples.result()], named))
    assert "&lt;script" in front_part(named).pairs[0].data[-2]["customdata"][0]
