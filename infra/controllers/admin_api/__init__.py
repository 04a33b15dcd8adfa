"""``/api/admin``: the administration over HTTP, one file for each noun."""

from fastapi import APIRouter

from infra.controllers.admin_api.administrators import administrators_router
from infra.controllers.admin_api.keys import keys_router
from infra.controllers.admin_api.limits import key_limits_router, limits_router
from infra.controllers.admin_api.model_changes import model_changes_router, model_sets_router
from infra.controllers.admin_api.models import models_admin_router
from infra.controllers.admin_api.operations import explain_router, operations_router
from infra.controllers.admin_api.projects import project_changes_router, projects_router
from infra.controllers.admin_api.services import AdminApi
from infra.controllers.admin_api.usage import usage_router

_ROUTERS = (
    models_admin_router,
    model_sets_router,
    model_changes_router,
    projects_router,
    project_changes_router,
    keys_router,
    limits_router,
    key_limits_router,
    usage_router,
    explain_router,
    operations_router,
    administrators_router,
)


def admin_api_routers(api: AdminApi) -> list[APIRouter]:
    """Build every router of the administration."""
    return [build(api) for build in _ROUTERS]
