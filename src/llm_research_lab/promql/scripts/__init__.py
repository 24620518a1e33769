"""Prometheus's test scripts: load samples, evaluate, compare with what is expected."""

from llm_research_lab.promql.scripts.reading import Clear, Eval, Load, read_script
from llm_research_lab.promql.scripts.running import Failure, Report, run_script

__all__ = [
    "Clear",
    "Eval",
    "Failure",
    "Load",
    "Report",
    "read_script",
    "run_script",
]
