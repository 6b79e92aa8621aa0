"""Split the published rides of a pack by rule, fit its speeds to one half and score the other.

Run as ``python tools/calibrate_packs.py japan`` or ``... northeast_us``. It prints what belongs into the pack's
``region.yaml``, ``rail_lines.csv`` and ``rides_published.csv``, and writes nothing.

The rule was fixed before any score was seen: the pairs of cities, either direction being the same pair, in the order of
their ids and of the year, are `fit` and `held_out` in turn, the first `fit`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.optimize import minimize

import megalopolis as mp
from megalopolis.parameters import Parameters
from megalopolis.region import Region
from megalopolis.travel.face import ride_scores

Fields = dict[str, float]
#: What is fitted, from where; `line:` and `lines:` are operating speeds of `rail_lines`, the others parameters.
JAPAN: Fields = {"speed_share_hsr": 0.92, "speed_share_intercity": 0.72, "speed_share_conventional": 0.76}
NORTHEAST: Fields = {
    "acela-boston": 142,
    "acela-new-haven": 81,
    "acela-washington": 156,
    "speed_share_conventional": 0.82,
}
REGIONAL = {"regional-boston": "acela-boston", "regional-new-haven": "acela-new-haven"}
REGIONAL |= {"regional-washington": "acela-washington"}


def split(rides: pd.DataFrame) -> pd.Series:
    """`fit` or `held_out` for every ride."""
    ends = np.sort(rides[["from", "to"]].to_numpy(str), axis=1)
    keys = list(zip(ends[:, 0], ends[:, 1], rides["year"], strict=True))
    order = sorted(set(keys))
    number = {key: i for i, key in enumerate(order)}
    return pd.Series(["fit" if number[key] % 2 == 0 else "held_out" for key in keys], index=rides.index)


def with_speeds(region: Region, speeds: Fields) -> Region:
    """Return the region with other operating speeds, the Regional at 0.87 of Acela."""
    lines = region.frame("rail_lines").set_index("id")
    for line, speed in speeds.items():
        lines.loc[line, "operating_kmh"] = speed
    for slow, fast in REGIONAL.items():
        if fast in speeds:
            lines.loc[slow, "operating_kmh"] = round(0.87 * speeds[fast], 1)
    return region.replace({"rail_lines": lines.reset_index()})


def scores(region: Region, values: Fields) -> pd.DataFrame:
    """Every published ride against the model with these values."""
    lines = set(region.frame("rail_lines")["id"])
    changed = with_speeds(region, {k: v for k, v in values.items() if k in lines})
    own = Parameters.of(region.meta.parameters, {}).of_pillar("travel")
    own |= {k: v for k, v in values.items() if k not in lines}
    years = sorted(region.frame("rides_published")["year"].unique())
    return pd.concat([ride_scores(mp.at(changed, None, year), own) for year in years], ignore_index=True)


def main() -> None:
    """Fit and print."""
    name = sys.argv[1]
    region, start = mp.load_region(name), {"japan": JAPAN, "northeast_us": NORTHEAST}[name]
    rides = region.frame("rides_published")
    rides["use"] = split(rides)
    region = region.replace({"rides_published": rides})

    def loss(x: np.ndarray) -> float:
        found = scores(region, dict(zip(start, x * list(start.values()), strict=True)))
        error = found.loc[found["use"] == "fit", "error"]
        return float((error**2).mean())

    function: Callable[[np.ndarray], float] = loss
    best = minimize(
        function, np.ones(len(start)), method="Nelder-Mead", options={"xatol": 1e-3, "fatol": 1e-7, "maxfev": 160}
    )
    values = dict(zip(start, best.x * list(start.values()), strict=True))
    print({k: round(v, 4) for k, v in values.items()}, f"loss {best.fun:.6f}")
    found = scores(region, values)
    print(found[["from", "to", "year", "class", "use", "minutes", "modelled", "error"]].round(3).to_string())
    for half, rows in found.groupby("use"):
        print(half, len(rows), f"median {rows['error'].abs().median():.3f} bias {rows['error'].mean():.3f}")
    for (half, kind), rows in found.groupby(["use", "class"]):
        print(half, kind, len(rows), f"median {rows['error'].abs().median():.3f}")


if __name__ == "__main__":
    main()
