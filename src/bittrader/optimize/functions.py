"""A function of the user's own as what a search evaluates: found, called with parameters, its numbers judged."""

from __future__ import annotations

import inspect
import math
import pickle
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from bittrader.errors import InputError, StrategyError, cause_of, did_you_mean, is_interrupt
from bittrader.execution.work import Work
from bittrader.optimize.origins import portable, reference
from bittrader.optimize.outcomes import MOST_NUMBERS
from bittrader.optimize.remote import remote_of
from bittrader.optimize.studies.experiment import versions_now
from bittrader.strategies.registry import code_digest, run_file

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from bittrader.backtest.result import Result
    from bittrader.optimize.studies.experiment import CandleFacts, Experiment
    from bittrader.strategies.parameters import Rows, Value
    from bittrader.strategies.space import Space

    Function = Callable[..., Any]

_LONGEST_NAME = 100


@dataclass(frozen=True, eq=False)
class NamedNumbers:
    """What a batch of parameter sets gave: one row of `metrics` a set, in columns of `names`, NaN where undefined.

    `errors` gives the cause for each row that failed (its metrics are all NaN).
    """

    names: tuple[str, ...]
    metrics: NDArray[np.float64]
    errors: Mapping[int, str]


@dataclass(frozen=True, eq=False)
class MakeFunctionEvaluator:
    """Makes a FunctionEvaluator; pickled to each process, a function from a file as its name."""

    function: Function | str
    space: Space
    needed: tuple[str, ...]

    def found_at(self, ref: str) -> MakeFunctionEvaluator:
        """The same with the function in another place."""
        return replace(self, function=ref)

    def facts(self) -> dict[str, str]:
        """What decides its numbers here."""
        known = load_function(self.function) if isinstance(self.function, str) else self.function
        return {"code": code_digest(known), **versions_now()}

    def __call__(self) -> FunctionEvaluator:
        known = load_function(self.function) if isinstance(self.function, str) else self.function
        return FunctionEvaluator(known, self.space, self.needed)


class FunctionEvaluator:
    """A function from parameters to named numbers: calling it with rows of parameters gives theirs.

    `needed`: the numbers without which an evaluation has failed. A function that takes the parameters' names gets them
    as keywords; any other gets one dict.
    """

    def __init__(self, function: Function, space: Space, needed: Sequence[str]) -> None:
        self._function, self._space, self._needed = function, space, tuple(needed)
        self._by_keyword = takes_keywords(function, space.names)

    def __call__(self, rows: Rows) -> NamedNumbers:
        answers: list[Mapping[str, float]] = []
        errors: dict[int, str] = {}
        for index, row in enumerate(rows):
            try:
                answers.append(self._numbers(self._space.decode(row)))
            except BaseException as error:
                if is_interrupt(error):
                    raise
                answers.append({})
                errors[index] = str(error) if isinstance(error, _NoNumbers) else cause_of(error)
        names = tuple(dict.fromkeys((*self._needed, *(name for answer in answers for name in answer))))
        metrics = [[answer.get(name, math.nan) for name in names] for answer in answers]
        return NamedNumbers(names, np.array(metrics, dtype=np.float64).reshape(len(rows), len(names)), errors)

    def _numbers(self, params: dict[str, Value]) -> dict[str, float]:
        answer = self._function(**params) if self._by_keyword else self._function(params)
        if not isinstance(answer, Mapping):
            raise _NoNumbers(f"it returned {_shown(answer)}, not named numbers as in {{'{self._needed[0]}': 1.5}}")
        if len(answer) > MOST_NUMBERS:
            raise _NoNumbers(f"it returned {len(answer):,} numbers; a study keeps {MOST_NUMBERS}")
        numbers = {_name(key): _number(key, value) for key, value in answer.items()}
        for name in self._needed:
            if name not in numbers:
                raise _NoNumbers(f"it returned no {name}, only {', '.join(numbers) or 'nothing'}")
        return numbers


class _NoNumbers(Exception):  # noqa: N818 - an answer that says what is wrong with it, never an error that travels
    """What came back is not named numbers."""


def _name(key: object) -> str:
    if not isinstance(key, str) or not key.strip() or len(key) > _LONGEST_NAME or not key.isprintable():
        raise _NoNumbers(f"{_shown(key)} is no name for a number")
    return key


def _number(name: str, value: object) -> float:
    if value is None:
        return math.nan
    try:
        if isinstance(value, str | bytes | bool):
            raise TypeError
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        raise _NoNumbers(f"{name} is {_shown(value)}, not a number") from None


def _shown(value: object) -> str:
    text = f"{type(value).__name__} {value!r}"
    return text if len(text) <= _LONGEST_NAME else f"{text[:_LONGEST_NAME]}…"


def load_function(ref: str) -> Function:
    """The function that `file.py:name` names; InputError when there is none, StrategyError when its file fails."""
    file, colon, name = ref.rpartition(":")
    if not colon or not file.endswith(".py") or not name.isidentifier():
        raise InputError(f"{ref!r} names no function. Write file.py:function.")
    module = run_file(Path(file))
    found = getattr(module, name, None)
    names = [key for key, value in vars(module).items() if inspect.isfunction(value)]
    if found is None:
        raise InputError(f"{file} has no function {name!r}.{did_you_mean(name, names) or _listed(names)}")
    if isinstance(found, type) or not callable(found):
        what = "a class" if isinstance(found, type) else "not a function"
        raise InputError(f"{name} in {file} is {what}; --space is for a function of parameters.{_listed(names)}")
    function: Function = found
    return function


def _absolute(ref: str) -> str:
    """The same reference from any folder."""
    file, _, name = ref.rpartition(":")
    return f"{Path(file).resolve()}:{name}"


def _listed(names: Sequence[str]) -> str:
    return f" It has {', '.join(names) or 'no function'}."


def takes_keywords(function: Function, names: Sequence[str]) -> bool:
    """Whether the function takes these names, as against one dict; StrategyError when it takes neither."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # compiled code may not say what it takes
        return False
    try:
        signature.bind(**dict.fromkeys(names))
    except TypeError as error:
        reason = str(error)
    else:
        return True
    try:
        signature.bind({})
    except TypeError:
        space = ", ".join(names) or "no parameters"
        raise StrategyError(
            f"{getattr(function, '__name__', 'the function')}{signature} does not take the space's {space} ({reason})."
            " Name the same in both, or take one dict."
        ) from None
    return False


@dataclass(frozen=True, eq=False)
class FunctionProblem:
    """A function from parameters to named numbers, which runs in processes."""

    function: Function
    reference: str
    """What `load_function` takes to find the function again; empty for one that no file holds."""
    space: Space
    sent: Function | str
    """What another process knows it by."""
    facts: ClassVar[tuple[CandleFacts, ...]] = ()

    @classmethod
    def of(cls, function: Function | str, space: Space) -> FunctionProblem:
        """The problem that these name."""
        known = load_function(function) if isinstance(function, str) else function
        takes_keywords(known, space.names)
        place = _absolute(function) if isinstance(function, str) else reference(known)
        made = cls(known, place, space, place if isinstance(function, str) else portable(known))
        try:
            pickle.dumps(made.sent)
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise InputError(
                f"{made.name} cannot be sent to another process ({cause_of(error)}). Define it at the top of a file."
            ) from None
        return made

    @property
    def objective(self) -> str:
        """InputError: nobody but the user knows which number to search for."""
        raise InputError("say which of the function's numbers to search for: --objective NAME (in Python, objective=).")

    @property
    def name(self) -> str:
        """The function's own name."""
        return str(getattr(self.function, "__name__", type(self.function).__name__))

    def identity(self) -> dict[str, Any]:
        """What of an experiment this problem decides."""
        code = code_digest(self.function)
        return {"strategy": self.reference, "name": self.name, "code": code, "engine": "", "series": ()}

    def metrics(self, needed: Sequence[str]) -> tuple[str, ...]:
        """What is known to be measured; the other numbers show when they come."""
        return tuple(dict.fromkeys(needed))

    def words(self) -> tuple[str, ...]:
        """What a study of it may be called after."""
        return (self.name,)

    def work(self, experiment: Experiment, _spans: object = None) -> Work[NamedNumbers]:
        """How the experiment's sets are evaluated."""
        made = MakeFunctionEvaluator(self.sent, experiment.space, experiment.needed)
        remote = partial(remote_of, made, self.function)
        limits = experiment.time_limit, experiment.memory_limit
        return Work(made, made, remote, (), None, *limits, apart=True)

    def backtests(self, _experiment: Experiment, _params: Mapping[str, Value]) -> tuple[Result, ...]:
        """Nothing: what a function does is its own."""
        return ()
