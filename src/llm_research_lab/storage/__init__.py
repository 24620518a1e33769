"""What stays when the process ends: the data directory, the database, the objects."""

from llm_research_lab.storage.directory import DataDirectory
from llm_research_lab.storage.lock import Holder, Lock, holder
from llm_research_lab.storage.private import write_private

__all__ = ["DataDirectory", "Holder", "Lock", "holder", "write_private"]
