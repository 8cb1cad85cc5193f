"""How axes run."""

from __future__ import annotations

import numpy as np
import pytest

from bittrader.report.figures import scale_of, scaled_axis


@pytest.mark.parametrize(("highest", "step", "form"), [(50.0, "D2", ",~r"), (1e6, "D2", ",~r"), (1e30, 5, "~e")])
def test_a_log_axis_has_no_more_ticks_than_fit(highest, step, form):
    axis = scaled_axis(scale_of(np.array([1.0, highest])))
    assert (axis["type"], axis["dtick"], axis["tickformat"]) == ("log", step, form)


def test_an_axis_that_holds_zero_is_linear():
    assert scaled_axis(scale_of(np.array([0.0, 1e9])))["type"] == "linear"
