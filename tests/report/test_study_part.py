import base64
import dataclasses

import numpy as np
import pytest
from tests.report import samples

from bittrader.report.sample import sample
from bittrader.report.study_part import study_part as part_with


def study_part(study, params=None):
    return part_with(study, study.best[0].params if params is None and study.best else params or {})


def numbers(packed):
    return np.frombuffer(base64.b64decode(packed["bdata"]), dtype=f"<{packed['dtype']}")


def test_counts_and_causes_are_shown_the_commonest_cause_first():
    part = study_part(samples.study(40, failures={"ValueError: rare": 1, "time limit": 9}))
    facts = dict(part.facts)
    assert (facts["Evaluations asked"], facts["Finished"], facts["Failed"]) == ("50", "40", "10")
    assert part.failures == (("time limit", 9), ("ValueError: rare", 1))


def test_many_causes_are_summed_up():
    part = study_part(samples.study(5, failures={f"cause {n}": 1 for n in range(30)}))
    assert len(part.failures) + part.other_failures == 30


def test_a_study_of_failures_alone_has_no_pictures():
    part = study_part(samples.study(0, failures={"ZeroDivisionError": 12}))
    assert part.figures() == ()
    assert part.caution == ""
    assert part.best is None


def test_an_undefined_objective_is_counted_and_not_drawn():
    part = study_part(samples.study(100, undefined=30))
    assert dict(part.facts)["Finished"] == "100; the objective is undefined in 30 of 100"
    assert len(numbers(part.progress.data[0]["y"])) == 70


@pytest.mark.parametrize("direction", ["maximize", "minimize"])
def test_the_line_of_the_best_so_far_never_gets_worse_and_ends_at_the_best(direction):
    study = samples.study(300, direction=direction)
    line = numbers(study_part(study).progress.data[1]["y"])
    steps = np.diff(line) if direction == "maximize" else -np.diff(line)
    assert (steps >= 0).all()
    assert line[-1] == np.float32(study.best[0].metrics["sharpe"])


def test_a_large_study_is_thinned_and_says_so():
    figure = study_part(samples.study(20_000)).progress
    assert len(numbers(figure.data[0]["y"])) <= 3000
    assert "of 20,000 are drawn" in figure.caption


def test_the_best_is_drawn_even_when_the_summary_holds_only_a_share_of_the_rows():
    whole = samples.study(1000, choices={"side": ("long", "both")})
    share = {name: column[1::10] for name, column in whole.metrics.items()}
    study = dataclasses.replace(whole, rows=whole.rows[1::10], metrics=share)
    drawn = sample(study)
    assert drawn.values[drawn.best] == whole.best[0].metrics["sharpe"]
    assert drawn.place[-1] < 1000
    assert (drawn.rows[drawn.best] == whole.rows[whole.best[0].number]).all()


def test_no_parameters_no_slices():
    part = study_part(samples.study(10, parameters={}))
    assert (part.importances, part.slices, part.heat_map) == ((), (), None)


def test_one_parameter_has_a_slice_and_no_map():
    part = study_part(samples.study(100, parameters={"length": (2, 50)}))
    assert len(part.slices) == 1
    assert part.heat_map is None


def test_the_map_shows_the_two_parameters_that_explain_most():
    ranges = dict.fromkeys(("fast", "slow", *(f"noise{n}" for n in range(6))), (0, 1000))
    part = study_part(samples.study(2000, parameters=ranges))
    assert {item.name for item in part.importances[:2]} == {"fast", "slow"}
    assert part.heat_map.title == "fast and slow"
    assert len(part.slices) == 8


def test_every_evaluation_is_in_one_cell_of_the_map():
    part = study_part(samples.study(700))
    assert sum(map(sum, part.heat_map.data[0]["customdata"])) == 700


def test_a_choice_is_shown_by_its_values():
    part = study_part(samples.study(100, parameters={}, choices={"side": ("long", "<both>")}))
    assert part.slices[0].layout["xaxis"]["ticktext"] == ["long", "&lt;both&gt;"]


def test_a_parameter_that_never_varied_explains_nothing_known():
    part = study_part(samples.study(100, parameters={"fast": (7, 7), "slow": (1, 90)}))
    assert {item.name: item.share for item in part.importances}["fast"] is None
    assert part.heat_map is None


def test_the_best_of_many_is_called_partly_luck():
    assert "best of 500 tried" in study_part(samples.study()).caution
    assert study_part(samples.study(1)).caution == ""
    assert "not as the best" in study_part(samples.study(), {"fast": 1}).caution


def test_the_table_of_the_best_shows_parameters_objective_and_metrics():
    study = samples.study(50)
    part = study_part(study)
    assert part.best.columns[:4] == ("Evaluation", "fast", "slow", "Sharpe")
    assert part.best.keys == (3,)
    assert len(part.best.rows) == 20
    assert part.best.rows[0].cells[1] == str(study.best[0].params["fast"])


def test_many_parameters_share_a_column_which_leaves_out_what_does_not_count():
    study = samples.study(50, parameters={f"p{n}": (0, 99) for n in range(30)})
    best = dataclasses.replace(study.best[0], params={"p0": 3, "p7": 0.25})
    part = study_part(dataclasses.replace(study, best=(best, *study.best[1:])))
    assert part.best.columns[:3] == ("Evaluation", "Parameters", "Sharpe")
    assert part.best.rows[0].cells[1] == "p0 3, p7 0.25"
    assert (len(part.importances), part.importances_left_out) == (20, 10)


def test_a_parameter_that_does_not_count_is_a_dash():
    study = samples.study(50)
    best = dataclasses.replace(study.best[0], params={"slow": 90})
    part = study_part(dataclasses.replace(study, best=(best, *study.best[1:])))
    assert part.best.rows[0].cells[1:3] == ("–", "90")  # noqa: RUF001 - the sign for no value


def test_a_parameter_that_counts_in_none_has_no_column():
    study = samples.study(50)
    part = study_part(dataclasses.replace(study, best=(dataclasses.replace(study.best[0], params={"slow": 90}),)))
    assert part.best.columns[:3] == ("Evaluation", "slow", "Sharpe")
