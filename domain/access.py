"""The access rule: which project may use which document."""

from __future__ import annotations

from domain.model import ModelDocument


def may_use(project_id: str, document: ModelDocument) -> bool:
    """A public document is everybody's; a private one belongs to the projects it lists, and to nobody if it lists none."""
    return not document.private or project_id in document.projects
