import json
from dataclasses import replace

import pytest
from hypothesis import given
from tests.belief.beliefs import figures, known
from tests.report import samples
from tests.report.beliefs import beliefs

from bittrader.belief.figures import Belief, Change, Verdict
from bittrader.report.build import build
from bittrader.report.page import embedded, render

VERDICT = Verdict("luck", 0.34, ("It earned 40%.", "It needs more trades."))


def page(belief, **facts):
    study = samples.study(200, belief=belief, **facts)
    return build([samples.result(params=study.best[0].params)], study)


@given(beliefs())
def test_every_belief_can_be_shown(belief):
    shown = page(belief)
    json.loads(embedded({figure.key: figure.spec() for figure in shown.figures()}))
    html = render(shown)
    assert all(f">{reason}<" in html for reason in shown.verdict.reasons)


@pytest.mark.parametrize(("call", "badge"), [("luck", "Luck"), ("inconclusive", "Inconclusive"), ("edge", "Edge")])
def test_the_verdict_comes_first_and_its_call_is_a_word_not_a_colour_alone(call, badge):
    html = render(page(Belief(Verdict(call, None, ("It earned.",)), None)))
    assert f"Verdict</span> {badge}<" in html
    assert html.index("Verdict</span>") < html.index("<h2 id=") + len('<h2 id="verdict-title">') + 40
    assert html.index("It earned.") < html.index('id="performance"')


def test_the_general_caution_gives_way_to_a_verdict():
    assert page(Belief(VERDICT, known())).study.caution == ""
    assert page(None).study.caution != ""


def test_without_a_verdict_the_command_for_one_stands_in_its_place():
    shown = page(None)
    assert shown.luck is None
    assert "<code>bittrader studies judge first-try</code>" in render(shown)


def test_a_result_without_a_study_has_no_verdict():
    shown = build([samples.result()])
    assert (shown.verdict, shown.luck) == (None, None)


def test_a_verdict_about_the_best_says_so_where_another_set_is_shown():
    study = samples.study(200, belief=Belief(VERDICT, known()))
    assert "not of the one shown here" in build([samples.result(params={"fast": 1})], study).verdict.reasons[-1]
    assert page(Belief(VERDICT, known())).verdict.reasons == VERDICT.reasons


@pytest.mark.parametrize(
    ("sets", "words"),
    [(80, "the returns of 80 sets over"), (159, "the returns of 159 sets, others of the same space among them, over")],
)
def test_that_more_sets_were_looked_at_than_tried_is_explained(sets, words):
    assert words in page(Belief(VERDICT, known(trials=80, sets=sets))).luck.lead


def test_a_verdict_without_figures_has_no_section_of_them():
    shown = page(Belief(VERDICT, None))
    assert shown.luck is None
    assert "How much of this is luck" not in render(shown)


def test_what_was_not_worked_out_has_no_row_and_no_picture():
    some, every = (page(Belief(VERDICT, facts)).luck for facts in (figures(), known()))
    assert {row.label for row in every.rows} - {row.label for row in some.rows} == {
        "Probability of backtest overfitting",
        "Loss in the other half",
        "Bars in another order",
        "Kept by the neighbours",
        "Bars that no search saw, holdout",
    }
    assert [figure.key for figure in some.figures()] == ["trials"]
    assert [figure.key for figure in every.figures()] == ["trials", "ranks", "intervals", "robustness"]


def test_the_best_and_what_luck_gives_are_both_inside_the_picture():
    shown = page(Belief(VERDICT, known()))
    shapes = [shape["x0"] for shape in shown.luck.trials.layout["shapes"]]
    assert shapes[1] == known().plain.hurdle
    assert sum(shown.luck.trials.data[0]["y"]) == 200


def test_an_objective_of_another_kind_is_not_held_against_a_sharpe_ratio():
    study = samples.study(100, objective="profit", belief=Belief(VERDICT, known()))
    without = {name: column for name, column in study.metrics.items() if name != "sharpe"}
    trials = build([samples.result()], replace(study, metrics=without)).luck.trials
    assert len(trials.layout["shapes"]) == 1


def test_a_change_that_leaves_the_objective_undefined_is_named_so():
    facts = known(sensitivity=(Change("fee x 3", None, -0.2, None, 4),))
    assert page(Belief(VERDICT, facts)).luck.robustness.data[0]["y"][-1] == "fee x 3 (undefined)"


def test_reasons_are_harmless():
    html = render(page(Belief(Verdict("edge", 0.01, ("<script>alert(1)</script>",)), None)))
    assert "<script>alert" not in html
