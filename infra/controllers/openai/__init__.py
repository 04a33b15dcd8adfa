"""OpenAI's API: a table of endpoints and one handler that runs them all."""
