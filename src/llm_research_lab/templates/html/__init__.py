"""Mail and web pages: what a template writes into HTML is escaped for the place where it stands.

Source: Go, html/template ("Contexts", "Security Model").
"""

from llm_research_lab.templates.html.content import Html, Url
from llm_research_lab.templates.html.escaping import Escaped, escape
from llm_research_lab.templates.html.functions import ESCAPERS

__all__ = ["ESCAPERS", "Escaped", "Html", "Url", "escape"]
