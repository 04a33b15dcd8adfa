"""A server that speaks OpenAI's API and generates its answers: deterministic text, usage and faults."""
