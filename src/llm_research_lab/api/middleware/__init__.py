"""What every request passes, outermost first.

Id, trace, security headers, metrics, faults (which renders what those below it raise), limits,
authentication, HEAD as GET.
"""

from llm_research_lab.api.middleware.authentication import Authentication
from llm_research_lab.api.middleware.faults import Faults
from llm_research_lab.api.middleware.head import Head
from llm_research_lab.api.middleware.limits import Limits, LimitsMiddleware
from llm_research_lab.api.middleware.metrics import Metrics
from llm_research_lab.api.middleware.request_id import RequestId, request_id_of
from llm_research_lab.api.middleware.security_headers import SecurityHeaders
from llm_research_lab.api.middleware.tracing import Tracing

__all__ = [
    "Authentication",
    "Faults",
    "Head",
    "Limits",
    "LimitsMiddleware",
    "Metrics",
    "RequestId",
    "SecurityHeaders",
    "Tracing",
    "request_id_of",
]
