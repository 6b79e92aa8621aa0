import pytest

from megalopolis.evaluation import Evaluation, evaluate_all
from megalopolis.plan import Plan
from megalopolis.region import Region


@pytest.fixture(scope="session")
def evaluations(toy: Region, toy_plan: Plan) -> list[Evaluation]:
    """The toy plan, and the same with another name as its alternative."""
    other = Plan("Alternative", toy_plan.years, toy_plan.measures[:1], {"zh": "备选"})
    return evaluate_all(toy, [toy_plan, other], draws=3)
