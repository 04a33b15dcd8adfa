"""infra/controllers"""
