"""A quarter of a lab's life, made up at run time from a seed: what a demonstration replays."""

from llm_research_lab.commands.replay.demo.episodes import EPISODES, Episode
from llm_research_lab.commands.replay.demo.life import TARGETS, life
from llm_research_lab.commands.replay.demo.world import DAYS, SEED, START_MS, World

__all__ = ["DAYS", "EPISODES", "SEED", "START_MS", "TARGETS", "Episode", "World", "life"]
