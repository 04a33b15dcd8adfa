"""infra/usage_store"""
