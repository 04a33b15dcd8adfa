"""Upstreams that do not speak OpenAI's format, by way of the library LiteLLM, which is imported late and only here."""
