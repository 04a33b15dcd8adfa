"""infra/providers/litellm"""
