"""infra/telemetry"""
