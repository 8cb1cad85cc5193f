import itertools
import re
import subprocess
import sys

import numpy as np
import pytest
from tests.report import samples

from bittrader.errors import InputError
from bittrader.report import write_report
from bittrader.report.build import build
from bittrader.report.page import render

EVIL = "<script>alert(1)</script>&\"'"


def test_a_report_is_one_file_with_nothing_beside_it(tmp_path):
    path = write_report(tmp_path / "deep" / "report.html", samples.result(), samples.study())
    assert [file.name for file in path.parent.iterdir()] == ["report.html"]
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_a_report_is_replaced_whole(tmp_path):
    path = tmp_path / "report.html"
    path.write_text("old")
    assert write_report(path, samples.result()).stat().st_size > 1_000_000


def test_a_report_that_cannot_be_written_is_said_in_one_line_and_leaves_nothing(tmp_path):
    (tmp_path / "taken").mkdir()
    with pytest.raises(InputError, match="cannot be written to"):
        write_report(tmp_path / "taken", samples.result())
    assert [file.name for file in tmp_path.iterdir()] == ["taken"]


def test_the_longest_history_stays_small(tmp_path):
    candles = samples.walk(297_000, timeframe="5m")
    result = samples.result(candles, samples.some_trades(candles, 12_000))
    study = samples.study(20_000, parameters={f"p{n}": (0, 500) for n in range(8)})
    assert write_report(tmp_path / "report.html", result, study).stat().st_size < 5_000_000


def test_names_are_harmless():
    result = samples.result(strategy=EVIL, params={EVIL: EVIL}, candles=samples.walk(symbol=EVIL))
    study = samples.study(
        60, name=EVIL, failures={EVIL: 2}, parameters={EVIL: (1, 50), "b": (1, 9)}, choices={"c": (EVIL, "x")}
    )
    html = render(build([result], study))
    assert "<script>alert" not in html
    assert html.count("<script") == 5 - 1
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


def test_nothing_is_asked_of_the_network():
    html = render(build([samples.result()], samples.study()))
    page = re.sub(r'<script type="application/octet-stream".*?</script>', "", html, flags=re.DOTALL)
    assert "default-src 'none'" in page
    assert not re.findall(r"https?://|@import|url\(|<img|<iframe", page)
    assert set(re.findall(r'(?:src|href)="([^"#][^"]*)"', page)) == {"data:,"}


def test_synthetic_candles_are_labelled_plainly():
    assert "synthetic data" in render(build([samples.result()]))


def test_a_month_that_lost_next_to_nothing_shows_a_plain_zero():
    candles = samples.walk()
    page = render(build([samples.result(candles, samples.no_trades(), equity=np.linspace(1.0, 0.9999, len(candles)))]))
    table = re.search(r'<table class="months">.*?</table>', page, re.DOTALL)[0]
    assert ">0.0</td>" in table
    assert "−0.0<" not in table  # noqa: RUF001 - as the page has it


def test_no_javascript_is_answered_with_words():
    assert "<noscript>" in render(build([samples.result()]))


def test_headings_go_down_one_level_at_a_time():
    levels = [int(level) for level in re.findall(r"<h(\d)", render(build([samples.result()], samples.study())))]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_every_column_and_row_of_a_table_has_a_head():
    html = render(build([samples.result()], samples.study()))
    assert not re.findall(r"<th>", html)


def test_plotly_is_never_imported():
    code = "import sys; import bittrader.report.page as p; p.plotly_packed(); sys.exit('plotly' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("target", ["/", "/dev/null"])
def test_what_is_no_file_is_not_replaced_by_one(target):
    with pytest.raises(InputError, match="that is no file"):
        write_report(target, samples.result())
