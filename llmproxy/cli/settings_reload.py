"""Settings read anew before worker processes are replaced, with an entry in the audit log."""

from __future__ import annotations

import asyncio
import logging
import threading

from pydantic import SecretStr

from application.admin.audit_trail import AuditTrail
from application.errors import ConflictError, StoreUnavailableError
from domain.documents.values import MASK
from infra.telemetry.logs import set_level
from llmproxy.cli.author import now_ms, this_user
from llmproxy.settings import Settings, SettingsError, load_settings
from llmproxy.stores import open_stores

logger = logging.getLogger(__name__)

_IN_PLACE = frozenset({"LLMPROXY_LOG_LEVEL"})
"""Settings that a running process can change."""


class SettingsReload:
    """Reads the settings whenever it is called.

    Args:
        settings: in use now.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.changed: frozenset[str] = frozenset()
        """Names of the settings that differed at the last call."""

    def __call__(self) -> Settings | None:
        """Return the settings from now on; None, having logged why, if they are invalid."""
        try:
            settings = load_settings()
        except SettingsError as error:
            reason = str(error)
            logger.error("the settings are invalid; the old ones stay", extra={"reason": reason})  # noqa: TRY400 - the reason says all
            return None
        changes = _changes(self._settings, settings)
        self._settings = settings
        self.changed = frozenset(str(change["field"]) for change in changes)
        if not settings.in_memory:  # a store that does not answer must not hold up the workers
            threading.Thread(target=_record, args=(settings, changes), name="audit", daemon=True).start()
        return settings


def reload_in_place(reload: SettingsReload) -> None:
    """Apply the changed settings that a process without workers can apply, and report those that need a restart."""
    settings = reload()
    if settings is None:
        return
    set_level(settings.llmproxy_log_level)
    waiting = sorted(reload.changed - _IN_PLACE)
    logger.info("settings are read again", extra={"changed": sorted(reload.changed)})
    if waiting:
        logger.warning("changed settings need a restart, or `serve --workers`", extra={"settings": waiting})


def _changes(before: Settings, after: Settings) -> list[dict[str, object]]:
    return [
        {"field": name.upper(), "old": _shown(getattr(before, name)), "new": _shown(getattr(after, name))}
        for name in Settings.model_fields
        if getattr(before, name) != getattr(after, name)
    ]


def _shown(value: object) -> object:
    return MASK if isinstance(value, SecretStr) else None if value is None else str(value)


def _record(settings: Settings, changes: list[dict[str, object]]) -> None:
    async def work() -> None:
        async with open_stores(settings, degraded=True) as stores:
            trail = AuditTrail(stores.audit, this_user(), "signal", "reload", now_ms)
            await trail.changing("settings", changes)

    try:
        asyncio.run(work())
    except (StoreUnavailableError, ConflictError) as error:
        logger.warning("the reload is not in the audit log", extra={"reason": str(error)})
