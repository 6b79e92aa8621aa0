"""One model per kind of measure, grouped by the pillar whose tables it edits."""

from __future__ import annotations

from typing import Annotated

from pydantic import Discriminator, Field

from megalopolis.plan.measures.base import Measure, Tables
from megalopolis.plan.measures.economy import (
    IndustryAgreement,
    IndustrySubsidy,
    LandSupply,
    MigrationBarrier,
    TradeBarrier,
)
from megalopolis.plan.measures.environment import Ban, DischargeStandard, TreatmentUpgrade
from megalopolis.plan.measures.services import EvidenceLink, OnlineChannel, Recognition
from megalopolis.plan.measures.setbacks import Delay, Overrun
from megalopolis.plan.measures.travel import RailLine, RailUpgrade, RoadTime

AnyMeasure = Annotated[
    RailLine
    | RailUpgrade
    | RoadTime
    | Delay
    | Overrun
    | MigrationBarrier
    | TradeBarrier
    | IndustrySubsidy
    | LandSupply
    | IndustryAgreement
    | EvidenceLink
    | Recognition
    | OnlineChannel
    | DischargeStandard
    | TreatmentUpgrade
    | Ban,
    Field(),
    Discriminator("kind"),
]

__all__ = [
    "AnyMeasure",
    "Ban",
    "Delay",
    "DischargeStandard",
    "EvidenceLink",
    "IndustryAgreement",
    "IndustrySubsidy",
    "LandSupply",
    "Measure",
    "MigrationBarrier",
    "OnlineChannel",
    "Overrun",
    "RailLine",
    "RailUpgrade",
    "Recognition",
    "RoadTime",
    "Tables",
    "TradeBarrier",
    "TreatmentUpgrade",
]
