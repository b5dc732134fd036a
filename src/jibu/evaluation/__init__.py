"""Measuring retrieval and answers on data sets with known answers."""

from jibu.evaluation.report import Report
from jibu.evaluation.run import evaluate
from jibu.evaluation.targets import Target

__all__ = ["Report", "Target", "evaluate"]
