"""``python -m llm_research_lab`` is the command ``lab``."""

from llm_research_lab.cli import main

main()
