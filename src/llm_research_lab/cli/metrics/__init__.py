"""``lab query``, ``tsdb``, ``rules``, ``promql``: the metrics engine from a terminal."""

from llm_research_lab.cli.metrics.querying import register

__all__ = ["register"]
