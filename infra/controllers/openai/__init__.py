"""infra/controllers/openai"""
