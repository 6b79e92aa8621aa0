"""Answers as plain text in Chinese: no English is left but ids of parameters, symbols, and names given in English."""

import re
from dataclasses import replace

import pytest

from megalopolis.evaluation import evaluate
from megalopolis.evaluation.answers import (
    alternatives,
    clusters,
    economy,
    economy_evidence,
    economy_games,
    environment,
    monitoring,
    services,
    signals,
    travel,
)
from megalopolis.evaluation.answers.plaintext import Teller
from megalopolis.evaluation.compare import compare
from megalopolis.evaluation.sentences import told
from megalopolis.plan import Plan

#: Ids of parameters, symbols, units, classes, and a species that only its user's table names.
SYMBOLS = re.compile(r"[a-z]+\.[a-z_0-9]+|mg/L|µg/m³|PM2\.5|pm25|primary|GDP|\b(III|II|IV)\b")


@pytest.fixture(scope="module")
def evaluation(toy, toy_plan):
    return evaluate(toy, toy_plan, years=[2030], draws=2)


def _two(evaluation):
    """The measures that have a Chinese name, and none, as if both had the same consequences."""
    plan = evaluation.plan
    local = tuple(m for m in plan.measures if m.name_local)
    return [replace(evaluation, plan=p) for p in (replace(plan, name="甲", measures=local), Plan("乙", (), ()))]


def _games(evaluation):
    found = economy_games.play_games(evaluation, ["Ann", "Ben"], "all", "welfare")
    return economy_games.games_lines(evaluation, found, "zh")


def _monitored(evaluation, folder):
    path = folder / "measured.csv"
    path.write_text("station,time,nh3n_mgl\nBen Bridge,2024-01-05,0.8\nAnn Bridge,2024-01-05,0.2\n", encoding="utf-8")
    found, warnings = monitoring.monitored(evaluation.region, [path])
    causes = monitoring.causes_of(evaluation.region, found.exceedances)
    said = [told(warning, "zh", evaluation.region) for warning in warnings]
    return [*said, *monitoring.monitoring_lines(evaluation.region, found, causes, "zh")]


ANSWERS = {
    "travel": lambda e: travel.travel_table_lines(e, "zh"),
    "trip": lambda e: travel.travel_lines(travel.travel_answer(e, "A", "C"), e, "zh"),
    "clusters": lambda e: clusters.clusters_lines(e, "zh"),
    "economy": lambda e: economy.economy_lines(e, "zh"),
    "policies": lambda e: economy_games.policies_lines(e, "zh"),
    "evidence": lambda e: economy_evidence.evidence_lines(e, "zh"),
    "games": _games,
    "environment": lambda e: environment.environment_lines(
        e, "zh", parts={"sections", "attribution", "cases"}, who=None
    ),
    "services": lambda e: services.services_lines(e, "zh"),
    "signals": lambda e: signals.signals_lines(signals.signals_answer(e, "zh"), e.region, "zh"),
    "compare": lambda e: alternatives.comparison_lines(compare(_two(e)), e.region, "zh"),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_no_english_is_left(evaluation, name) -> None:
    _assert_chinese(ANSWERS[name](evaluation))


def test_no_english_is_left_of_what_was_measured(evaluation, tmp_path) -> None:
    _assert_chinese(_monitored(evaluation, tmp_path))


def _assert_chinese(lines: list[str]) -> None:
    assert len(lines) > 2
    assert not re.findall(r"[A-Za-z]{2,}", SYMBOLS.sub("", "\n".join(lines)))


def test_figures_have_the_digits_and_scales_of_their_language(toy) -> None:
    en, zh = Teller(toy, "en"), Teller(toy, "zh")
    assert (en.figure(98_612_345, "persons"), zh.figure(98_612_345, "persons")) == ("98.6 million", "9,860万人")
    assert (en.figure(1.24e9, "currency/year"), zh.figure(1.24e9, "currency/year")) == (
        "1.24 bn USD/year",
        "12.4亿美元/年",
    )
    assert (en.figure(3.2, "mg/L"), zh.figure(3.2, "mg/L")) == ("3.20 mg/L", "3.20 mg/L")
    assert (en.figure(2e8, "h/year"), zh.figure(2e8, "h/year")) == ("200 million hours a year", "2.00亿小时／年")
    assert en.figure(None) == en.figure(float("nan")) == "-"
    row = {"baseline": 1e8, "difference": -190_958.0, "low": -450_703.0, "high": -172_503.0}
    assert en.change(row, "persons") == ("−200,000", "−500,000 to −100,000")
    assert zh.change(row, "persons") == ("−20万人", "−50至−10万人")
    assert en.change(row | {"difference": 1e-5, "low": -0.3, "high": 0.4}, "persons")[0] == "0"
