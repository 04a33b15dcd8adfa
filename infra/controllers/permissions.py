"""The table of routes and permissions: every path for administrators, and what a request to it requires.

``AdminAccess.check`` refuses a route that is missing here. A path parameter ``project`` restricts owners to theirs.
"""

from __future__ import annotations

from collections.abc import Mapping

from domain.administrators import Permission

ROUTE_PERMISSIONS: Mapping[str, Permission] = {
    "GET /health/providers": Permission.READ_HEALTH,
    "GET /providers": Permission.READ_HEALTH,
    "GET /status": Permission.READ_HEALTH,
    "GET /v1/status": Permission.READ_HEALTH,
    "GET /status/{name:path}": Permission.READ_HEALTH,
    "POST /check": Permission.CHECK_HEALTH,
    "POST /cache/clear": Permission.CHECK_HEALTH,
    "GET /api/chaos": Permission.READ_CHAOS,
    "POST /api/chaos/start": Permission.CHANGE_CHAOS,
    "POST /api/chaos/stop": Permission.CHANGE_CHAOS,
    "GET /api/load-test/{test_id}": Permission.READ_LOAD_TESTS,
    "POST /api/load-test/start": Permission.CHANGE_LOAD_TESTS,
    "POST /api/load-test/{test_id}/stop": Permission.CHANGE_LOAD_TESTS,
    "GET /metrics": Permission.READ_METRICS,
    "GET /metrics/prometheus": Permission.READ_METRICS,
    "GET /debug/logs": Permission.READ_DEBUG,
    "PUT /debug/logs": Permission.CHANGE_DEBUG,
    "GET /debug/memory": Permission.READ_DEBUG,
    "POST /debug/memory/gc": Permission.CHANGE_DEBUG,
}
"""Method and path, as FastAPI knows it."""
