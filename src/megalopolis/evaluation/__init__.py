"""Where the pillars meet: region and plan in, ledger out."""

from megalopolis.evaluation.evaluate import evaluate, evaluate_all
from megalopolis.evaluation.evaluation import Evaluation

__all__ = ["Evaluation", "evaluate", "evaluate_all"]
