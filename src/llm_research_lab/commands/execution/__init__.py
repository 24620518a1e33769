"""Runs the samples of a lease: the executor that stands behind the runner's port today."""

from llm_research_lab.commands.execution.desk import Desk
from llm_research_lab.commands.execution.local import LocalExecutor
from llm_research_lab.commands.execution.port import Executor

__all__ = ["Desk", "Executor", "LocalExecutor"]
