"""A client is judged by its own word for itself: one of seven classes, whatever it says.

The word is a stranger's and may be a lie; the class says what a client claims, and bounds what can
be counted of it. Source: spec 5.6.1, SuspiciousAPIActivity (bot, crawler, scanner); the names of
tools are their projects' default headers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

AgentClass = Literal["browser", "sdk", "cli", "bot", "crawler", "scanner", "other"]

_PATTERNS: Mapping[AgentClass, re.Pattern[str]] = {
    "scanner": re.compile(
        r"scan|nikto|sqlmap|nmap|zgrab|nuclei|dirbuster|gobuster|feroxbuster|ffuf|acunetix"
        r"|nessus|openvas|qualys|burp|wfuzz|hydra|metasploit|zaproxy"
    ),
    "crawler": re.compile(r"crawl|spider|slurp|scrapy|archive\.org|facebookexternalhit"),
    "bot": re.compile(r"bot(?:[^a-z]|$)|bot/|headlesschrome|phantomjs"),
    "cli": re.compile(r"^(?:lab(?:/|$)|curl/|wget/|httpie/|xh/|powershell|insomnia|postman)"),
    "sdk": re.compile(
        r"^(?:llm-research-lab|python-|python/|httpx|aiohttp|urllib|go-http-client|okhttp|java/"
        r"|apache-httpclient|axios|node|undici|got |got/|ruby|faraday|guzzlehttp|php/|dart/"
        r"|reqwest|hyper|libwww-perl|openai/|anthropic/)"
    ),
    "browser": re.compile(r"^mozilla/5\.0 .*(?:gecko|applewebkit|trident)"),
}
"""In order: who admits to be a scanner is none of the others."""

LENGTH = 300
"""Characters that are looked at."""


def agent_class(user_agent: str | None) -> AgentClass:
    """Give the class of a User-Agent; ``other`` for none and for what nobody knows."""
    said = (user_agent or "")[:LENGTH].lower()
    for found, pattern in _PATTERNS.items():
        if pattern.search(said):
            return found
    return "other"
