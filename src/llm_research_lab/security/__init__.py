"""Who may do what: roles, actions, keys."""

from llm_research_lab.security.agents import AgentClass, agent_class
from llm_research_lab.security.authorisation import (
    Caller,
    Granted,
    NotOwner,
    Principal,
    Reason,
    RoleLacks,
    authorise,
    owns,
)
from llm_research_lab.security.keys import KEY_BYTES, digest_of, is_key, key_of
from llm_research_lab.security.roles import ACTIONS, ROLE_ACTIONS, ROLES, Action, Reach, Role

__all__ = [
    "ACTIONS",
    "KEY_BYTES",
    "ROLES",
    "ROLE_ACTIONS",
    "Action",
    "AgentClass",
    "Caller",
    "Granted",
    "NotOwner",
    "Principal",
    "Reach",
    "Reason",
    "Role",
    "RoleLacks",
    "agent_class",
    "authorise",
    "digest_of",
    "is_key",
    "key_of",
    "owns",
]
