from pathlib import Path

import pytest

from megalopolis.plan import Plan, load_plan
from megalopolis.region import Region
from megalopolis.region.read import read_region

TOY = Path(__file__).parent / "toy"


@pytest.fixture(scope="session")
def toy() -> Region:
    """Four cities, two lines: small enough to be worked by hand. Immutable, so shared."""
    return read_region(TOY / "region")


@pytest.fixture(scope="session")
def toy_plan() -> Plan:
    """A plan for the toy region that uses every kind of measure."""
    return load_plan(TOY / "plan.yaml")
