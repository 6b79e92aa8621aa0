"""What could change: measures as data, and the region they lead to."""

from megalopolis.plan.apply import at
from megalopolis.plan.plan import Plan, bundled_plans, load_plan

__all__ = ["Plan", "at", "bundled_plans", "load_plan"]
