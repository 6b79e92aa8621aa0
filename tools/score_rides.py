"""Write the score of the rides into ``docs/method/travel.md``: parameters in force, beside a naive baseline.

Run as ``MEGALOPOLIS_REFERENCE_DATA=FOLDER python tools/score_rides.py`` after a change of the railway or of the
parameters of travel. Fitting is the work of ``calibrate_rides.py``; this script fits nothing but the one pace of the
baseline.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Final

import calibrate_rides as rides
import numpy as np
import pandas as pd

import megalopolis as mp
from megalopolis.parameters import Parameters
from megalopolis.units import great_circle_km

PAGE: Final = Path(__file__).parent.parent / "docs" / "method" / "travel.md"
_MARKED: Final = re.compile(r"(<!-- held-out score: begin -->\n).*?(<!-- held-out score: end -->)", re.DOTALL)
_COLUMNS: Final = {"pairs": "pairs", "median APE %": "error", "bias %": "bias"}


def naive(data: rides.Sample) -> tuple[rides.Array, float]:
    """Great circle at one pace, the median of the fitted half; minutes and km/h."""
    stations = data.network.layout.stations
    lon, lat = (stations[c].to_numpy(float) for c in ("lon", "lat"))
    one, two = (data.doors[side] for side in data.ends)
    km = great_circle_km(lon[one], lat[one], lon[two], lat[two])
    pace = float(np.median((data.pairs["minutes"].to_numpy(float) / km)[~data.held_out]))
    return np.asarray(km * pace), 60.0 / pace


def scores() -> str:
    """Markdown of the score, by class of line."""
    region = mp.load_region("china")
    parameters = Parameters.of(region.meta.parameters, {}).of_pillar("travel")
    data = rides.sample(region, Path(os.environ["MEGALOPOLIS_REFERENCE_DATA"]), parameters)
    everything = len(data.pairs)
    data = rides.reachable(data, rides.modelled(data, parameters))
    minutes = rides.modelled(data, parameters)
    model = rides.Model(data, parameters)
    classes = pd.Series(rides.line_class(model, np.array([parameters[name] for name in rides.FITTED])))
    plain, speed = naive(data)
    table = rides.table(data, minutes, classes)
    beside = rides.table(data, plain, classes)
    rows = pd.DataFrame({"class of line": table["group"]})
    for half in ("fitted", "held out"):
        for column, short in _COLUMNS.items():
            rows[f"{half}: {short}"] = table[f"{half}: {column}"]
    for column, short in list(_COLUMNS.items())[1:]:
        rows[f"naive: {short}"] = beside[f"held out: {column}"]
    return (
        f"{len(data.pairs):,} pairs of main stations with a direct train on 10 March 2016, of {everything:,}; the "
        "network at the end of\n2015. Half of the pairs, by a checksum of their names, are fitted, the others held "
        "out. Error: median of the absolute\nerror, %; bias: mean of the signed error, %. Naive, on the held-out half: "
        f"great circle at {speed:.0f} km/h, the median of the fitted\nhalf.\n\n{rides.markdown(rows)}\n"
    )


def main() -> None:
    """Put the score between its marks."""
    if "MEGALOPOLIS_REFERENCE_DATA" not in os.environ:
        sys.exit("MEGALOPOLIS_REFERENCE_DATA is not set: it names the folder that holds china/timetable_2016_*.csv.gz")
    text = scores()
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(_MARKED.sub(lambda found: f"{found[1]}{text}{found[2]}", page), encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
