"""What every request passes, outermost first: id, metrics, faults, limits, security headers."""

from llm_research_lab.api.middleware.faults import Faults
from llm_research_lab.api.middleware.limits import Limits, LimitsMiddleware
from llm_research_lab.api.middleware.metrics import Metrics
from llm_research_lab.api.middleware.request_id import RequestId, request_id_of
from llm_research_lab.api.middleware.security_headers import SecurityHeaders

__all__ = [
    "Faults",
    "Limits",
    "LimitsMiddleware",
    "Metrics",
    "RequestId",
    "SecurityHeaders",
    "request_id_of",
]
