"""A page as one HTML file that needs nothing else: no network, no server, no neighbouring file."""

from __future__ import annotations

import base64
import gzip
import json
from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bittrader.backtest.result import Result
from bittrader.errors import BittraderError, InputError
from bittrader.files import make_folder, written_whole
from bittrader.report import words
from bittrader.report.build import build

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bittrader.optimize.studies.summary import StudySummary
    from bittrader.report.build import Page

# Higher levels cost a tenth of a second more and save a twentieth of the size.
_GZIP_LEVEL = 4


def write_report(path: str | Path, result: Result | Sequence[Result], study: StudySummary | None = None) -> Path:
    """Writes a result, and the study that found it, as one self-contained HTML file; returns where it is.

    `result`: where the study searched over several series, the result on each; none where it searched a function.
    The file is there whole or not at all. InputError when it cannot be written.
    """
    target = Path(path).expanduser()
    text = render(build((result,) if isinstance(result, Result) else result, study))
    try:
        make_folder(target.parent)
        with written_whole(target) as part:
            part.write_bytes(text.encode())
    except OSError as error:
        reason = error.strerror or error
        raise InputError(f"the report cannot be written to {target}: {reason}. Choose another file.") from None
    return target.resolve()


def render(page: Page) -> str:
    """The page's HTML."""
    # Jinja takes longer to import than the page takes to build, and not every caller renders.
    from jinja2 import Environment, FunctionLoader, StrictUndefined  # noqa: PLC0415 - see above
    from markupsafe import Markup  # noqa: PLC0415 - see above

    environment = Environment(
        loader=FunctionLoader(_resource),
        autoescape=True,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"percent": words.percent, "signed": _signed, "minus": words.minus, "cell": _cell}
    trades = page.run.trades if page.run else None
    listed = trades and {"columns": trades.columns, "exits": trades.exits, "closeUps": trades.close_ups}
    # What is marked safe here is our own package's text, or JSON without the characters that end a script.
    return environment.get_template("page.html.j2").render(
        page=page,
        shades=_shades(page),
        style=Markup(_resource("style.css")),  # noqa: S704 - see above
        script=Markup(_resource("page.js")),  # noqa: S704 - see above
        plotly=plotly_packed(),
        figures=Markup(embedded({figure.key: figure.spec() for figure in page.figures()})),  # noqa: S704 - see above
        trades=Markup(embedded(listed)),  # noqa: S704 - see above
    )


def embedded(value: Any) -> str:
    """JSON that may stand inside a script element whatever its strings hold."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


@cache
def plotly_packed() -> str:
    """The JavaScript of the installed Plotly, gzipped, in base64."""
    found = find_spec("plotly")  # finds the package without importing it
    if found is None or not found.submodule_search_locations:
        raise BittraderError("the package plotly is missing, and with it the report's charts. Install bittrader again.")
    source = Path(found.submodule_search_locations[0]) / "package_data" / "plotly.min.js"
    return base64.b64encode(gzip.compress(source.read_bytes(), _GZIP_LEVEL, mtime=0)).decode()


def _resource(name: str) -> str:
    return files("bittrader.report").joinpath(name).read_text(encoding="utf-8")


def _shades(page: Page) -> dict[float, str]:
    """How strongly each monthly return is coloured, from 0 to 1: the root of its share of the largest."""
    years = page.run.years if page.run else ()
    known = [value for year in years for value in year.months if value is not None]
    top = max(map(abs, known), default=0.0) or 1.0
    return {value: f"{(abs(value) / top) ** 0.5:.2f}" for value in known}


def _signed(fraction: float | None) -> str:
    if fraction is None:
        return words.UNDEFINED
    text = words.percent(fraction)
    return words.minus(text) if fraction < 0 else f"+{text}"


def _cell(fraction: float) -> str:
    """A monthly return without its percent sign, to one decimal."""
    return words.minus(words.no_negative_zero(f"{100 * fraction:,.1f}"))
