"""LLM Research Lab: runs LLM experiments, and the service that runs them."""

__version__ = "0.1.0"

__all__ = ["__version__"]
