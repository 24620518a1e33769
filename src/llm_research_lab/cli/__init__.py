"""The command `lab`: parse, ask the lab over HTTP, print."""

from llm_research_lab.cli.application import app, main

__all__ = ["app", "main"]
