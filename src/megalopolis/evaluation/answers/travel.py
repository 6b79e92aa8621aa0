"""Travel: minutes, rides and itineraries, as a document and as text."""

from __future__ import annotations

from megalopolis.evaluation.answers.document import Document, cities, city
from megalopolis.evaluation.answers.plaintext import Teller
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


def travel_lines(answer: Document, evaluation: Evaluation, language: str) -> list[str]:
    """Door to door between two cities, leg by leg."""
    tell = Teller(evaluation.region, language)
    words, names = tell.words, _names(evaluation, language)
    key = "name_local" if language == "zh" else "name"
    ends = (answer[end][key] or answer[end]["name"] for end in ("from", "to"))
    ride, window = answer["ride_minutes"], answer["timetable"]
    first = words("text_door", ends=" - ".join(ends), minutes=f"{answer['minutes']:.0f}")
    second = words("text_no_ride")
    if ride is not None:
        second = words("text_ride", minutes=f"{ride:.0f}", trains=f"{answer['trains_per_day']:.0f}")
    rows = [
        [words.term("leg", leg["mode"]), *(names.get(leg[k], leg[k] or "") for k in ("line", "from", "to")),
         f"{leg['minutes']:.0f}"]
        for leg in answer["legs"]
    ]  # fmt: skip
    header = tell.heads("text_mode", "text_line", "text_from", "text_to", "unit_min")
    if window:
        one = window["from"] == window["to"]
        first += words("text_leaving" if one else "text_window", **window)
        header += tell.heads("text_depart", "text_arrive")
        times = ([leg.get("depart", ""), leg.get("arrive", "")] for leg in answer["legs"])
        rows = [[*row, *time] for row, time in zip(rows, times, strict=True)]
    return [first, second, "", *tell.table(header, rows)]


def _names(evaluation: Evaluation, language: str) -> dict[str, str]:
    """Names of cities, stations and lines of the last state as its documents give them, to those of a language."""
    if language != "zh":
        return {}
    state = evaluation.state()
    frames = [state.frame(table)[["name", "name_local"]].dropna() for table in ("rail_lines", "stations", "cities")]
    return {name: local for frame in frames for name, local in frame.itertuples(index=False)}


def travel_table_lines(evaluation: Evaluation, language: str) -> list[str]:
    """Indicators of travel of every city."""
    tell = Teller(evaluation.region, language)
    own = evaluation.result("travel").indicators
    wide = own.pivot(index="place", columns="indicator", values="value")
    names = [name for name in indicators() if name in wide.columns]
    units = {name: tell.unit(indicators()[name].unit) for name in names}
    header = [tell.words("city"), *(tell.words("heading", label=tell.label(n), unit=units[n]) for n in names)]
    rows = [
        [tell.place(str(place)), *(tell.figure(row[n]) for n in names)]
        for place, row in wide.iterrows()
        if place != "region"
    ]
    return tell.table(header, rows)
