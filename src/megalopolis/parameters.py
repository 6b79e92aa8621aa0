"""Parameters of the pillars: defaults with ranges, overridden by the region and then by the user."""

from __future__ import annotations

import csv
import math
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

import numpy as np

from megalopolis.errors import BadInput, Problem, suggest
from megalopolis.units import Array

#: Seed of the Latin hypercube: the same draws for every case and year, so that differences are drawn in pairs.
_SEED: Final = 20200101


@dataclass(frozen=True)
class Parameter:
    """One parameter: default, range, unit, source, and whether it is sourced, measured, estimated or assumed."""

    id: str
    default: float
    low: float
    high: float
    unit: str
    source: str
    status: str


@cache
def registry() -> dict[str, Parameter]:
    """Every parameter of every pillar, by id such as ``travel.transfer_min``."""
    found = {}
    for pillar in sorted(files("megalopolis").iterdir(), key=lambda e: e.name):
        table = pillar.joinpath("parameters.csv") if pillar.is_dir() else None
        if table is None or not table.is_file():
            continue
        with table.open(encoding="utf-8") as stream:
            for row in csv.DictReader(stream):
                default = float(row["default"])
                parameter = Parameter(
                    id=f"{pillar.name}.{row['id']}",
                    default=default,
                    low=float(row["low"] or default),
                    high=float(row["high"] or default),
                    unit=row["unit"],
                    source=row["source"],
                    status=row["status"],
                )
                found[parameter.id] = parameter
    return found


@dataclass(frozen=True)
class Parameters(Mapping[str, float]):
    """One value for every parameter, by full id.

    Attributes
    ----------
    values_ : dict of str to float
        Value in force.
    ranges : dict of str to tuple of float
        Low and high. A value that the region gives keeps the range of the default in proportion; one that the user
        gives has none.
    settings : dict of str to float
        What the user gave.
    """

    values_: dict[str, float]
    ranges: dict[str, tuple[float, float]]
    settings: dict[str, float]

    def __getitem__(self, key: str) -> float:
        return self.values_[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.values_)

    def __len__(self) -> int:
        return len(self.values_)

    @classmethod
    def of(cls, region: Mapping[str, float], settings: Mapping[str, float]) -> Parameters:
        """Take the defaults, lay the region's own values over them, then the user's.

        Raises
        ------
        BadInput
            If a value names no parameter or is not finite.
        """
        known = registry()
        values = {id_: p.default for id_, p in known.items()}
        ranges = {id_: (p.low, p.high) for id_, p in known.items()}
        for where, given in (("region.yaml", region), ("--set", settings)):
            for id_, value in given.items():
                if id_ not in known:
                    todo = suggest(id_, list(known), "see the reference of parameters")
                    raise BadInput(Problem(where, f"there is no parameter '{id_}'", todo))
                if not math.isfinite(value):
                    raise BadInput(Problem(where, f"'{id_}' is {value}", "give a finite number"))
                scale = value / known[id_].default if given is region and known[id_].default else None
                low, high = ranges[id_]
                ranges[id_] = (low * scale, high * scale) if scale is not None else (value, value)
                values[id_] = float(value)
        return cls(values, ranges, dict(settings))

    def of_pillar(self, pillar: str) -> dict[str, float]:
        """Values of one pillar, by short id."""
        prefix = f"{pillar}."
        return {id_.removeprefix(prefix): v for id_, v in self.values_.items() if id_.startswith(prefix)}

    def draws(self, count: int) -> list[Parameters]:
        """Draw parameter sets from the ranges by a Latin hypercube (McKay, Beckman and Conover 1979).

        Each parameter is triangular between its low and high with the value in force as mode. The same count gives
        the same draws of a parameter, whatever other parameters there are.
        """
        free = [i for i, (low, high) in self.ranges.items() if low < high]
        if not free or count < 1:
            return []
        unit = np.column_stack([_strata(id_, count) for id_ in free])
        low, high = np.array([self.ranges[i] for i in free]).T
        mode = np.clip([self.values_[i] for i in free], low, high)
        rising = low + np.sqrt(unit * (high - low) * (mode - low))
        falling = high - np.sqrt((1.0 - unit) * (high - low) * (high - mode))
        drawn = np.where(unit * (high - low) < mode - low, rising, falling)
        rows = [dict(zip(free, map(float, row), strict=True)) for row in drawn]
        return [Parameters({**self.values_, **row}, self.ranges, self.settings) for row in rows]


def _strata(id_: str, count: int) -> Array:
    """One number in each of `count` equal parts of (0, 1), in an order of the parameter's own."""
    rng = np.random.default_rng([_SEED, zlib.crc32(id_.encode())])
    return np.asarray((rng.permutation(count) + rng.random(count)) / count)


def parse_settings(texts: list[str]) -> dict[str, float]:
    """Read ``id=value`` settings as given on the command line.

    Raises
    ------
    BadInput
        If one has no ``=`` or its value is not a number.
    """
    settings = {}
    for text in texts:
        id_, sign, value = text.partition("=")
        try:
            settings[id_.strip()] = float(value) if sign else float("nan")
        except ValueError as error:
            raise BadInput(
                Problem("--set", f"'{value}' is not a number", "write --set travel.transfer_min=20")
            ) from error
        if not sign:
            raise BadInput(Problem("--set", f"'{text}' has no '='", "write --set travel.transfer_min=20"))
    return settings
