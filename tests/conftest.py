"""Settings of every test."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# A machine that is busy is slow, which says nothing about the property.
settings.register_profile("steady", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")
