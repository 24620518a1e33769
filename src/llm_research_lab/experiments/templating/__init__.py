"""The templates of prompts and targets: a small part of Jinja2, over plain data, in bounds."""

from llm_research_lab.experiments.templating.budget import ITERATIONS, TEXT_CHARACTERS, WORK
from llm_research_lab.experiments.templating.grammar import TEMPLATE_CHARACTERS, Uses
from llm_research_lab.experiments.templating.template import Template

__all__ = ["ITERATIONS", "TEMPLATE_CHARACTERS", "TEXT_CHARACTERS", "WORK", "Template", "Uses"]
