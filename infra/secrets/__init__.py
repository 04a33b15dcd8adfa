"""infra/secrets"""
