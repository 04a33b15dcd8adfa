"""OpenAI's API: one small spec per endpoint and one handler that runs them all."""
