"""A study as other programs read it: CSV, Parquet, or an Optuna storage."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from bittrader.errors import InputError
from bittrader.files import written_whole
from bittrader.optimize.narrowing import Fixed
from bittrader.optimize.studies.database import metric_name, told
from bittrader.strategies.parameters import Int

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bittrader.optimize.studies.study import Study
    from bittrader.strategies.parameters import Parameter

Format = Literal["csv", "parquet", "optuna"]

SUFFIXES: dict[Format, str] = {"csv": ".csv", "parquet": ".parquet", "optuna": ".optuna.db"}

_FACTS = ("number", "fold", "generation", "state", "cause", "same_as", "violation", "seconds", "node", "ended")
_PIECE = 20_000


def export(study: Study, form: Format, target: Path) -> None:
    """Writes the whole study to a new file, which is there whole or not at all."""
    if target.exists():
        raise InputError(f"{target} exists already. Choose another file with --output.")
    try:
        with written_whole(target) as part:
            _write(study, form, part)
    except OSError as error:
        raise InputError(f"{target} cannot be written: {error.strerror or error}. Choose another file.") from None


def _write(study: Study, form: Format, target: Path) -> None:
    if form == "csv":
        _to_csv(study, target)
    elif form == "parquet":
        _to_parquet(study, target)
    else:
        from bittrader.optimize.studies.export_optuna import to_optuna  # noqa: PLC0415 - Optuna takes a second to import

        to_optuna(study, target)


def trials(study: Study, columns: list[str]) -> Iterator[list[tuple[Any, ...]]]:
    """Columns of all trials, in order, a piece at a time."""
    with told(study.path):
        found = study.connection.execute(f"SELECT {', '.join(columns)} FROM trials ORDER BY number")  # noqa: S608 - quoted columns
        while piece := found.fetchmany(_PIECE):
            yield piece


def _header(study: Study) -> list[str]:
    space, metrics = study.experiment.space, study.experiment.metrics
    return [*_FACTS, *(f"param_{name}" for name in space.names), *map(metric_name, metrics)]


def _pieces(study: Study) -> Iterator[list[list[Any]]]:
    """All trials with their parameters' values, a piece at a time."""
    space = study.experiment.space
    columns = [*_FACTS, *study.parameter_columns, *study.metric_columns]
    first, last = len(_FACTS), len(_FACTS) + len(space.names)
    for piece in trials(study, columns):
        yield [
            [
                *row[:first],
                *map(space.decode(np.array(row[first:last])).get, space.names),  # None where one does not count
                *row[last:],
            ]
            for row in piece
        ]


def _to_csv(study: Study, target: Path) -> None:
    with target.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(_header(study))
        for piece in _pieces(study):
            writer.writerows(piece)


def _to_parquet(study: Study, target: Path) -> None:
    import pyarrow as pa  # noqa: PLC0415 - only this format needs it
    from pyarrow import parquet  # noqa: PLC0415 - likewise

    whole, text, number = pa.int64(), pa.string(), pa.float64()
    facts = [whole, whole, whole, text, text, whole, number, number, text, number]
    kinds = [_arrow_type(one, pa) for one in study.experiment.space.parameters]
    types = [*facts, *kinds, *[number] * len(study.metric_columns)]
    schema = pa.schema(list(zip(_header(study), types, strict=True)))
    with parquet.ParquetWriter(target, schema, compression="zstd") as writer:
        for piece in _pieces(study):
            columns = [
                pa.array([x if x is None else str(x) for x in column] if kind == text else column, kind)
                for column, kind in zip(zip(*piece, strict=True), types, strict=True)
            ]
            writer.write_table(pa.Table.from_arrays(columns, schema=schema))


def _arrow_type(one: Parameter[Any], pa: Any) -> Any:
    kind = one.of if isinstance(one, Fixed) else one
    if isinstance(kind, Int):
        return pa.int64()
    return pa.float64() if hasattr(kind, "step") else pa.string()
