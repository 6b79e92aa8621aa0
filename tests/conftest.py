import os
from pathlib import Path

import pytest
from hypothesis import settings

from megalopolis.plan import Plan, load_plan
from megalopolis.region import Region
from megalopolis.region.read import read_region

settings.register_profile("megalopolis", deadline=None)  # the first call may compile, and the machine may be busy
settings.load_profile("megalopolis")

TOY = Path(__file__).parent / "toy"


@pytest.fixture(scope="session")
def toy() -> Region:
    """Four cities, two lines: small enough to be worked by hand. Immutable, so shared."""
    return read_region(TOY / "region")


@pytest.fixture(scope="session")
def toy_plan() -> Plan:
    """A plan for the toy region that uses every kind of measure."""
    return load_plan(TOY / "plan.yaml")


@pytest.fixture(scope="session")
def reference_data() -> Path:
    """Return the folder of reference data, never part of the package; tests that need it skip where it is not given."""
    folder = os.environ.get("MEGALOPOLIS_REFERENCE_DATA")
    if not folder:
        pytest.skip("MEGALOPOLIS_REFERENCE_DATA is not set")
    return Path(folder)
