"""infra/providers/openai_wire"""
