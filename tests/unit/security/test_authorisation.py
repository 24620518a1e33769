"""A caller may act when the role holds the action, on the thing's owner; the answer says why."""

from __future__ import annotations

import pytest

from llm_research_lab.security import (
    ACTIONS,
    ROLE_ACTIONS,
    ROLES,
    Caller,
    Granted,
    NotOwner,
    Principal,
    RoleLacks,
    authorise,
    owns,
)

# action: what viewer, researcher and admin may do it to
TABLE = {
    "datasets.read": ("any", "any", "any"),
    "datasets.create": ("-", "own", "any"),
    "prompts.read": ("any", "any", "any"),
    "prompts.create": ("-", "own", "any"),
    "models.read": ("any", "any", "any"),
    "models.create": ("-", "own", "any"),
    "models.create_with_secret": ("-", "-", "any"),
    "experiments.read": ("any", "any", "any"),
    "experiments.create": ("-", "own", "any"),
    "experiments.cancel": ("-", "own", "any"),
    "experiments.pause": ("-", "own", "any"),
    "experiments.resume": ("-", "own", "any"),
    "experiments.retry": ("-", "own", "any"),
    "status.read": ("any", "any", "any"),
    "metrics.read": ("any", "any", "any"),
    "metrics.write": ("-", "-", "any"),
    "keys.read": ("-", "-", "any"),
    "keys.create": ("-", "-", "any"),
    "keys.revoke": ("-", "-", "any"),
    "audit.read": ("-", "-", "any"),
}
CASES = [
    (role, action, reach)
    for action, reaches in TABLE.items()
    for role, reach in zip(("viewer", "researcher", "admin"), reaches, strict=True)
]


def test_the_table_is_whole():
    assert set(TABLE) == set(ACTIONS)
    assert ROLES == ("viewer", "researcher", "admin")


@pytest.mark.parametrize("mine", [True, False])
@pytest.mark.parametrize(("role", "action", "reach"), CASES)
def test_a_role_may_do_what_the_table_says_and_nothing_else(role, action, reach, mine):
    may, reason = authorise(role, action, mine=mine)
    assert may == (reach == "any" or (reach == "own" and mine))
    kinds = {"any": Granted, "own": Granted if mine else NotOwner, "-": RoleLacks}
    assert type(reason) is kinds[reach]
    assert (reason.role, reason.action) == (role, action)


@pytest.mark.parametrize("mine", [True, False])
@pytest.mark.parametrize(("role", "action", "reach"), CASES)
def test_a_refusal_names_the_least_role_that_would_do(role, action, reach, mine):
    may, reason = authorise(role, action, mine=mine)
    if not may:
        enough = [one for one in ROLES if authorise(one, action, mine=mine)[0]]
        # Whose the thing would be is not asked when the role lacks the action altogether.
        least = [one for one in ROLES if authorise(one, action)[0]]
        assert reason.needs == (least if reach == "-" else enough)[0]


@pytest.mark.parametrize("action", ACTIONS)
def test_each_role_may_do_all_that_the_one_before_it_may(action):
    for mine in (True, False):
        may = [authorise(role, action, mine=mine)[0] for role in ROLES]
        assert may == sorted(may)


def test_the_table_cannot_be_changed():
    with pytest.raises(TypeError):
        ROLE_ACTIONS["viewer"] = {}
    with pytest.raises(TypeError):
        ROLE_ACTIONS["viewer"]["keys.create"] = "any"


def test_a_thing_is_ones_own_by_user_and_not_by_key():
    ann = Principal("ann", "researcher", "key_1")
    assert owns(ann, "ann")
    assert owns(Principal("ann", "viewer", "key_2"), "ann")
    assert not owns(ann, "key_1")
    assert Caller(ann, "127.0.0.1").user_agent is None


def test_every_answer_can_be_read():
    assert authorise("admin", "keys.read")[1].text == "admin may keys.read on any"
    assert authorise("researcher", "prompts.create")[1].text == (
        "researcher may prompts.create on its own"
    )
    assert authorise("viewer", "prompts.create")[1].text == (
        "viewer may not prompts.create; that needs researcher"
    )
    assert authorise("researcher", "experiments.cancel", mine=False)[1].text == (
        "researcher may experiments.cancel on its own only; another's needs admin"
    )
