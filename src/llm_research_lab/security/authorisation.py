"""A caller may act when the role holds the action, on the thing's owner; the answer says why."""

from __future__ import annotations

from dataclasses import dataclass

from llm_research_lab.security.roles import ROLE_ACTIONS, ROLES, Action, Reach, Role


@dataclass(frozen=True, slots=True)
class Principal:
    """Who a key speaks for."""

    user: str
    role: Role
    key_id: str


@dataclass(frozen=True, slots=True)
class Caller:
    """A principal, and where the request came from."""

    principal: Principal
    source_ip: str
    user_agent: str | None = None


@dataclass(frozen=True, slots=True)
class Granted:
    """The role holds the action with this reach."""

    role: Role
    action: Action
    reach: Reach

    @property
    def text(self) -> str:
        """For a person."""
        return f"{self.role} may {self.action} on {'its own' if self.reach == 'own' else 'any'}"


@dataclass(frozen=True, slots=True)
class RoleLacks:
    """The role does not hold the action at all; `needs` is the least role that does."""

    role: Role
    action: Action
    needs: Role

    @property
    def text(self) -> str:
        """For a person."""
        return f"{self.role} may not {self.action}; that needs {self.needs}"


@dataclass(frozen=True, slots=True)
class NotOwner:
    """The role holds the action for its own things, and this one is another's."""

    role: Role
    action: Action
    needs: Role

    @property
    def text(self) -> str:
        """For a person."""
        return f"{self.role} may {self.action} on its own only; another's needs {self.needs}"


Reason = Granted | RoleLacks | NotOwner


def owns(principal: Principal, owner: str) -> bool:
    """A thing is the caller's own when its owner is the caller's user, by whichever key."""
    return principal.user == owner


def authorise(role: Role, action: Action, *, mine: bool = True) -> tuple[bool, Reason]:
    """Look the action up in the one table; `mine` says whose the thing is, or would be."""
    reach = ROLE_ACTIONS[role].get(action)
    if reach is None:
        return False, RoleLacks(role, action, _least(action, "own"))
    if reach == "own" and not mine:
        return False, NotOwner(role, action, _least(action, "any"))
    return True, Granted(role, action, reach)


def _least(action: Action, reach: Reach) -> Role:
    """Find the least role that holds the action with at least this reach; admin holds all."""
    enough = ("any",) if reach == "any" else ("own", "any")
    return next(role for role in ROLES if ROLE_ACTIONS[role].get(action) in enough)
