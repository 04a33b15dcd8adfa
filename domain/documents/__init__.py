"""From the raw JSON that operators write to entities, with every fault named; and back, where we write."""

from domain.documents.administrator import read_administrator
from domain.documents.model import read_model
from domain.documents.project import read_project

__all__ = ["read_administrator", "read_model", "read_project"]
