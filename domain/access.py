"""The access rule: which project may use which document."""

from __future__ import annotations

from domain.model import ModelDocument


def may_use(project_id: str, document: ModelDocument) -> bool:
    """Tell whether a project may use a document: public, or private and listing the project."""
    return not document.private or project_id in document.projects
