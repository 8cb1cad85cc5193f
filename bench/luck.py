"""How often a verdict is right: `luck.py ROUNDS [FILE]` searches markets with and without an edge, and prints tables.

Every search is on a market of its own: its shocks are drawn from a number made of the words that describe the search,
so no two share any, and none was ever used to settle a rule. What is done is written to FILE line by line; the same
command goes on where one was ended.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from hashlib import blake2b
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[1]))

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

BARS = 5_000
WITHOUT = ("random walk", "random walk, rises 60% a year", "random walk, wild and calm times (GARCH)")
TRENDS = ("trends of about 200 bars, 0.1 deviations a bar", "trends, 0.2 deviations a bar")
REVERTING = ("reverting, 2% a bar", "reverting, 5% a bar")
STRATEGIES = ("sma-cross", "rsi-reversion", "mined")
FITTING = (
    *product(TRENDS, ("sma-cross", "donchian-breakout", "mined")),
    *product(REVERTING, ("rsi-reversion", "mined")),
)
BUDGETS = {"random": (80, 2_000), "de": (80, 2_000), "nsga2": (80, 2_000), "tpe": (80, 1_000)}
MINE = 20_000  # what `bittrader mine` tries unless told otherwise
MODES = ("walk-forward", "cpcv")


@dataclass(frozen=True)
class Case:
    """One search."""

    market: str
    strategy: str
    sampler: str
    trials: int
    repetition: int
    series: int = 1
    validate: str = ""

    @property
    def seed(self) -> int:
        """A number that only this search has."""
        return int.from_bytes(blake2b(repr(self).encode(), digest_size=6).digest())

    @property
    def fee(self) -> float:
        """0 where there is no edge: fees alone would keep luck from showing. Else 0 and 0.1 % in turns."""
        return 0.0 if self.market in WITHOUT else 0.001 * (self.repetition % 2)


def cases(repetition: int) -> Iterator[Case]:
    """One round."""
    for market, strategy, sampler in product(WITHOUT, STRATEGIES, BUDGETS):
        for trials in BUDGETS[sampler]:
            yield Case(market, strategy, sampler, trials, repetition)
    for market in WITHOUT:
        yield Case(market, "mined", "auto", MINE, repetition)
        for strategy, trials in product(STRATEGIES, (80, 2_000)):
            yield Case(market, strategy, "auto", trials, repetition, series=3)
        for strategy, mode in product(("sma-cross", "rsi-reversion"), MODES):
            yield Case(market, strategy, "auto", 80, repetition, validate=mode)
    for (market, strategy), trials in product(FITTING, (80, 2_000)):
        yield Case(market, strategy, "auto", trials, repetition)
    for market, strategy in FITTING:
        yield Case(market, strategy, "auto", 80, repetition, series=3)
        if strategy != "mined":
            yield Case(market, strategy, "auto", 80, repetition, validate="walk-forward")


def market(kind: str, seed: int):
    """Candles of a kind of market."""
    from tests.belief import markets

    make: Callable[[], object] = {
        WITHOUT[0]: lambda: markets.random_walk(BARS, seed),
        WITHOUT[1]: lambda: markets.random_walk(BARS, seed, drift=0.6),
        WITHOUT[2]: lambda: markets.clustered(BARS, seed),
        TRENDS[0]: lambda: markets.trending(BARS, seed, 0.1),
        TRENDS[1]: lambda: markets.trending(BARS, seed, 0.2),
        REVERTING[0]: lambda: markets.reverting(BARS, seed, 0.02),
        REVERTING[1]: lambda: markets.reverting(BARS, seed, 0.05),
    }[kind]
    return markets.candles(make(), seed)


def searched(case: Case) -> dict[str, object]:
    """The case, and what the verdict calls it. The permutation test decides nothing, so it is left out."""
    from bittrader import Costs, optimize
    from bittrader.optimize.verdict.judge import judge_again

    name, series = f"luck-{os.getpid()}", [market(case.market, case.seed + index) for index in range(case.series)]
    how = {"sampler": case.sampler, "trials": case.trials, "seed": case.seed, "validate": case.validate or None}
    result = optimize(case.strategy, series, study=name, costs=Costs(fee=case.fee), threads=1, verdict=False, **how)
    try:
        verdict = judge_again(name, strategy=case.strategy, candles=series, permutations=0).verdict
    finally:
        result.path.unlink()
    return {**asdict(case), "call": verdict.call, "p_value": verdict.p_value}


def run(rounds: int, file: Path) -> list[dict[str, object]]:
    """What the rounds came to, those found in the file included."""
    done = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    known = {Case(**{key: one[key] for key in Case.__annotations__}): one for one in done}
    wanted = [case for repetition in range(rounds) for case in cases(repetition)]
    with ProcessPoolExecutor(int(os.environ.get("WORKERS", "2"))) as pool, file.open("a") as written:
        for ended in as_completed([pool.submit(searched, case) for case in wanted if case not in known]):
            one = ended.result()
            known[Case(**{key: one[key] for key in Case.__annotations__})] = one
            written.write(f"{json.dumps(one)}\n")
            written.flush()
    return [known[case] for case in wanted]


def rows(found: Sequence[dict[str, object]], *keys: str) -> Iterator[str]:
    """The lines of a table: one for each value that the keys take together."""
    kinds = dict.fromkeys(tuple(one[key] for key in keys) for one in found)
    for words in sorted(kinds) if keys == ("trials",) else kinds:
        some = [one["call"] for one in found if tuple(one[key] for key in keys) == words]
        shares = (f"{100 * some.count(call) / len(some):.1f}%" for call in ("luck", "inconclusive", "edge"))
        named = ", ".join(_named(key, word) for key, word in zip(keys, words, strict=True) if word != "")
        most = _at_most(len(some) - some.count("luck"), len(some))
        yield f"| {named} | {len(some):,} | {' | '.join(shares)} | {most} |"


def _named(key: str, word: object) -> str:
    return {"trials": f"{word:,} trials", "series": f"{word} series"}[key] if isinstance(word, int) else str(word)


def _at_most(wrong: int, count: int) -> str:
    """What the true share is at most, with 95 % confidence: Clopper and Pearson (1934)."""
    from scipy.stats import beta

    return "100%" if wrong == count else f"{100 * beta.ppf(0.95, wrong + 1, count - wrong):.1f}%"


def table(title: str, last: str, lines: Iterable[str]) -> None:
    """Prints a table."""
    print(f"\n| {title} | searches | luck | inconclusive | edge | {last} |\n|---|---|---|---|---|---|")
    print("\n".join(lines))


def main(rounds: int, file: Path) -> None:
    """Runs what is not done yet, and prints the tables."""
    os.environ["BITTRADER_HOME"] = tempfile.mkdtemp()
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    found = run(rounds, file)
    without = [one for one in found if one["market"] in WITHOUT]
    searches = [one for one in without if not one["validate"]]
    single = [one for one in searches if one["series"] == 1]
    parts = [rows(single, "market"), rows(single, "strategy"), rows(single, "sampler"), rows(single, "trials")]
    several = rows([one for one in searches if one["series"] > 1], "series", "strategy")
    validated = rows([one for one in without if one["validate"]], "validate")
    lines = [line for part in (*parts, several, validated) for line in part]
    total = next(rows([{**one, "all": "all"} for one in without], "all"))
    table("without an edge", "not luck, at most", [*lines, total])
    planted = [one for one in found if one["market"] not in WITHOUT]
    usual = [one for one in planted if one["series"] == 1 and not one["validate"]]
    lines = [line for kind in ("strategy", "trials") for line in rows(usual, "market", kind)]
    lines += rows([one for one in planted if one["series"] > 1], "market", "series")
    table(
        "with an edge",
        "not luck, at most",
        [*lines, *rows([one for one in planted if one["validate"]], "market", "validate")],
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else Path(tempfile.mkdtemp()) / "luck.jsonl")
