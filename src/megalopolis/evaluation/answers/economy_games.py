"""Economy: cities that compete with subsidies or agree on them, and what each policy of a plan does."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from megalopolis.economy.case import case_book
from megalopolis.economy.contest import contest
from megalopolis.economy.coordination import NAMES
from megalopolis.economy.linear import Objective
from megalopolis.errors import BadInput, Problem
from megalopolis.evaluation.answers.document import Document, city
from megalopolis.evaluation.answers.plaintext import figure, place_name, table
from megalopolis.evaluation.evaluation import Evaluation
from megalopolis.evaluation.incomes import policies, sensitivity
from megalopolis.evaluation.ledger import BASELINE
from megalopolis.pillar import Progress, Result, silent

_WORDS = {
    "en": {
        "game": "game",
        "free": "no subsidies",
        "nash": "competition",
        "pigou": "common rule",
        "cooperate": "joint best",
        "bargain": "bargain",
        "gdp": "GDP",
        "welfare": "welfare",
        "value": "over competition",
        "subsidies": "subsidies paid",
        "duplication": "duplication",
        "krugman": "Krugman index",
        "city": "city",
        "highest": "highest subsidy",
        "certificate": "most that a city could gain alone from competition, in logs",
        "worth": "what agreeing is worth a year, against competition",
        "policy": "policy",
        "policies": "what each policy does (Shapley value)",
        "rail": "rail",
        "migration": "moving",
        "trade": "trade",
        "land": "land",
        "bands": "one parameter at its low and high",
        "moved": "people elsewhere",
        "by_rail": "shares that follow minutes",
        "low": "low",
        "high": "high",
    },
    "zh": {
        "game": "博弈",
        "free": "无补贴",
        "nash": "竞争",
        "pigou": "共同规则",
        "cooperate": "联合最优",
        "bargain": "谈判",
        "gdp": "地区生产总值",
        "welfare": "福利",
        "value": "相对竞争",
        "subsidies": "补贴支出",
        "duplication": "产业重复度",
        "krugman": "克鲁格曼指数",
        "city": "城市",
        "highest": "最高补贴率",
        "certificate": "任一城市单方面偏离竞争均衡的最大收益（对数）",
        "worth": "协调的价值（每年，相对竞争）",
        "policy": "政策",
        "policies": "各项政策的作用（沙普利值）",
        "rail": "铁路",
        "migration": "迁移",
        "trade": "贸易",
        "land": "土地",
        "bands": "单个参数取上下限时",
        "moved": "迁移人口",
        "by_rail": "随出行时间变化的份额",
        "low": "下限",
        "high": "上限",
    },
}


def _minutes(evaluation: Evaluation) -> tuple[pd.DataFrame, pd.DataFrame]:
    baseline = evaluation.result("travel", BASELINE).tables["minutes"]
    return evaluation.result("travel").tables["minutes"], baseline


def play_games(
    evaluation: Evaluation,
    cities: Sequence[str],
    game: str,
    objective: Objective,
    progress: Progress = silent,
) -> Result:
    """Solve games on the last state of an evaluation of travel.

    Parameters
    ----------
    evaluation : Evaluation
        Of travel at least.
    cities : sequence of str
        Names, ids or ``cluster:<id>``.
    game : str
        Agreement to compare with competition, ``nash`` for competition alone, or ``all``.
    objective : str
        What each city wants.
    progress : callable
        See `megalopolis.pillar.Progress`.

    Raises
    ------
    BadInput
        If a city is unknown or a game cannot be played or solved.
    """
    ids = evaluation.region.names.cities(cities, "--cities")
    parameters = evaluation.parameters.of_pillar("economy")
    try:
        book = case_book(evaluation.state(), *_minutes(evaluation), parameters)
        names = tuple(n for n in NAMES if n == game or (game == "all" and n != "nash"))
        return contest(book.pair(), ids, objective, names, parameters, progress=progress)
    except ValueError as error:
        if isinstance(error, BadInput):
            raise
        raise BadInput(Problem("--game", str(error).rstrip("."), "choose other cities or parameters")) from error


def games_answer(evaluation: Evaluation, found: Result, objective: str) -> Document:
    """Games as a document: each with its cities and their industries, and the certificate of competition."""
    region, tables = evaluation.region, found.tables
    industries = tables["game_industries"]
    games = []
    for row in tables["games"].to_dict("records"):
        own = tables["game_cities"][tables["game_cities"]["game"] == row["game"]].drop(columns="game")
        made = industries[industries["game"] == row["game"]].drop(columns="game")
        by_city = {c: part.drop(columns="city").to_dict("records") for c, part in made.groupby("city")}
        records = [
            {**city(region, r.pop("city")), **r, "industries": by_city[id_]}
            for id_, r in zip(own["city"], own.to_dict("records"), strict=True)
        ]
        games.append({**row, "cities": records})
    tried = [{**city(region, r.pop("city")), **r} for r in tables["regret"].to_dict("records")]
    return {"objective": objective, "games": games, "regret": tried}


def games_lines(evaluation: Evaluation, found: Result, language: str) -> list[str]:
    """Games side by side, then what the agreement asked for last is worth to each city."""
    words, tables = _WORDS[language], found.tables
    unit = evaluation.region.meta.currency
    head = [words[w] for w in ("game", "gdp", "welfare", "value", "subsidies", "duplication", "krugman")]
    rows = [
        [
            words[r["game"]],
            figure(r["gdp"], unit),
            figure(r["welfare"], unit),
            figure(r["value_over_nash"], unit),
            figure(r["subsidies"], unit),
            f"{r['duplication']:.3f}",
            f"{r['krugman']:.3f}",
        ]
        for r in tables["games"].to_dict("records")
    ]
    last = tables["games"]["game"].iloc[-1]
    own = tables["game_cities"][tables["game_cities"]["game"] == last].sort_values("value_over_nash", ascending=False)
    made = tables["game_industries"]
    made = made[made["game"] == last]
    top = made.loc[made.groupby("city")["subsidy"].idxmax()].set_index("city")
    cities = [
        [
            place_name(evaluation.region, r["city"], language),
            figure(r["value_over_nash"], unit),
            figure(r["gdp"], unit),
            f"{100 * top.loc[r['city'], 'subsidy']:.1f} % {top.loc[r['city'], 'industry']}",
            f"{r['krugman']:.3f}",
        ]
        for r in own.to_dict("records")
    ]
    header = [words[w] for w in ("city", "value", "gdp", "highest", "krugman")]
    worst = float(tables["regret"]["log_gain"].max())
    return [
        *table(head, rows),
        "",
        f"{words['worth']}: {words[last]}",
        "",
        *table(header, cities),
        "",
        f"{words['certificate']}: {worst:.1e}",
    ]


def policies_answer(evaluation: Evaluation) -> Document:
    """Shapley values of a plan's policies by city as a document; empty where the plan changes nothing."""
    values = policies(evaluation)
    whole = values.groupby("policy", sort=False)[["gdp", "welfare"]].sum()
    cities = [{**city(evaluation.region, r.pop("city")), **r} for r in values.to_dict("records")]
    return {"policies": {"region": whole.reset_index().to_dict("records"), "cities": cities}}


def policies_lines(evaluation: Evaluation, language: str) -> list[str]:
    """Shapley values of the region, and its sensitivity, as text; nothing where nothing changes."""
    words, unit = _WORDS[language], evaluation.region.meta.currency
    values = policies(evaluation)
    if values.empty:
        return []
    whole = values.groupby("policy", sort=False)[["gdp", "welfare"]].sum()
    rows = [[words[str(p)], figure(r["gdp"], unit), figure(r["welfare"], unit)] for p, r in whole.iterrows()]
    ends = [
        [
            f"{words.get(r['parameter'], r['parameter'])}: {_end(words, r[end], end)}",
            *(figure(r[f"{name}_{end}"], unit) for name in ("gdp", "welfare")),
            figure(r[f"moved_{end}"]),
        ]
        for r in sensitivity(evaluation).to_dict("records")
        for end in ("low", "high")
    ]
    head = [words["policy"], words["gdp"], words["welfare"]]
    return [
        "",
        words["policies"],
        "",
        *table(head, rows),
        "",
        words["bands"],
        "",
        *table(["", words["gdp"], words["welfare"], words["moved"]], ends),
    ]


def _end(words: dict[str, str], value: float, end: str) -> str:
    return words[end] if pd.isna(value) else f"{value:g}"
