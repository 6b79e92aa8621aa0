"""Travel: minutes, rides and itineraries, as a document and as text."""

from __future__ import annotations

from megalopolis.evaluation.answers.document import Document, cities, city
from megalopolis.evaluation.answers.plaintext import figure, place_name, table
from megalopolis.evaluation.evaluation import Evaluation
from megalopolis.pillar import indicators
from megalopolis.travel.face import itinerary


def travel_answer(evaluation: Evaluation, origin: str, destination: str, depart: int | None = None) -> Document:
    """Door-to-door minutes, ride, frequency and itinerary between two cities in the last state.

    Parameters
    ----------
    evaluation : Evaluation
        With travel.
    origin, destination : str
        Ids of two different cities.
    depart : int, optional
        Minute after midnight of leaving the door, where a timetable runs.
    """
    region = evaluation.region
    found = itinerary(evaluation.state(), evaluation.parameters.of_pillar("travel"), origin, destination, depart)
    return {"from": city(region, origin), "to": city(region, destination), **found}


def travel_table(evaluation: Evaluation) -> Document:
    """Minutes between all cities and the indicators of travel in the last state."""
    region, minutes = evaluation.region, evaluation.travel_times
    case, year = evaluation.last
    ledger = evaluation.ledger
    own = evaluation.result("travel").indicators["indicator"].unique()
    keep = (ledger["case"] == case) & (ledger["year"] == year) & ledger["indicator"].isin(own)
    columns = ["place", "indicator", "value", "low", "high", "unit", "status"]
    return {
        "cities": cities(region, minutes.index),
        "minutes": minutes.round(2).to_numpy(),
        "indicators": ledger.loc[keep, columns].to_dict("records"),
    }


def travel_lines(answer: Document, language: str) -> list[str]:
    """Door to door between two cities, leg by leg."""
    key = "name_local" if language == "zh" else "name"
    ride = answer["ride_minutes"]
    lines = [
        f"{answer['from'][key]} - {answer['to'][key]}: {answer['minutes']:.0f} min door to door",
        f"ride {ride:.0f} min, {answer['trains_per_day']:.0f} trains a day" if ride is not None else "no ride by rail",
    ]
    rows = [[leg["mode"], leg["line"] or "", leg["from"], leg["to"], f"{leg['minutes']:.0f}"] for leg in answer["legs"]]
    header = ["mode", "line", "from", "to", "min"]
    if answer["timetable"]:
        window = answer["timetable"]
        when = (
            "leaving at {from}"
            if window["from"] == window["to"]
            else "leaving {from} to {to}, percentile {percentile:g}"
        )
        lines[0] += f", {when.format(**window)}"
        header += ["depart", "arrive"]
        rows = [
            [*row, leg.get("depart", ""), leg.get("arrive", "")] for row, leg in zip(rows, answer["legs"], strict=True)
        ]
    return [*lines, "", *table(header, rows)]


def travel_table_lines(evaluation: Evaluation, language: str) -> list[str]:
    """Indicators of travel of every city."""
    own = evaluation.result("travel").indicators
    wide = own.pivot(index="place", columns="indicator", values="value")
    names = [name for name in indicators() if name in wide.columns]
    header = ["city", *(f"{indicators()[n].label(language)} [{indicators()[n].unit}]" for n in names)]
    rows = [
        [place_name(evaluation.region, str(place), language), *(figure(row[n]) for n in names)]
        for place, row in wide.iterrows()
        if place != "region"
    ]
    return table(header, rows)
