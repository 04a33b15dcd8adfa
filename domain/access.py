"""The access rule: which project may use which document."""

from __future__ import annotations

from domain.model import ModelDocument


def may_use(project_id: str, document: ModelDocument) -> bool:
    """A public document is everybody's; a private one belongs to the projects that it lists."""
    return not document.private or project_id in document.projects
