"""One model per kind of measure, grouped by the pillar whose tables it edits."""

from __future__ import annotations

from typing import Annotated

from pydantic import Discriminator, Field

from megalopolis.plan.measures.base import Measure, Tables
from megalopolis.plan.measures.travel import Delay, Overrun, RailLine, RailUpgrade, RoadTime

AnyMeasure = Annotated[RailLine | RailUpgrade | RoadTime | Delay | Overrun, Field(), Discriminator("kind")]

__all__ = ["AnyMeasure", "Delay", "Measure", "Overrun", "RailLine", "RailUpgrade", "RoadTime", "Tables"]
