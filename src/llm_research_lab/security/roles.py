"""One table says which role may do what, and to whose things."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, get_args

Role = Literal["viewer", "researcher", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
"""From the least to the most: each may do all that the one before it may."""

Action = Literal[
    "datasets.read",
    "datasets.create",
    "prompts.read",
    "prompts.create",
    "models.read",
    "models.create",
    "models.create_with_secret",
    "experiments.read",
    "experiments.create",
    "experiments.cancel",
    "experiments.pause",
    "experiments.resume",
    "experiments.retry",
    "status.read",
    "metrics.read",
    "metrics.write",
    "keys.read",
    "keys.create",
    "keys.revoke",
    "audit.read",
]
ACTIONS: tuple[Action, ...] = get_args(Action)

Reach = Literal["own", "any"]
"""Whose things: the caller's own, or anybody's."""

_READ: dict[Action, Reach] = {
    "datasets.read": "any",
    "prompts.read": "any",
    "models.read": "any",
    "experiments.read": "any",
    "status.read": "any",
    "metrics.read": "any",
}
_OWN: dict[Action, Reach] = {
    "datasets.create": "own",
    "prompts.create": "own",
    "models.create": "own",
    "experiments.create": "own",
    "experiments.cancel": "own",
    "experiments.pause": "own",
    "experiments.resume": "own",
    "experiments.retry": "own",
}

ROLE_ACTIONS: Mapping[Role, Mapping[Action, Reach]] = MappingProxyType(
    {
        "viewer": MappingProxyType(_READ),
        "researcher": MappingProxyType(_READ | _OWN),
        "admin": MappingProxyType(dict.fromkeys(ACTIONS, "any")),
    }
)
"""What is not here is refused.

Naming a secret in a model entry is the admin's: beside a `base_url` of one's own choice it would
send the lab's secret to whoever listens there.
"""
