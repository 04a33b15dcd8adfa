"""OpenAI's API: a table of endpoints and one handler for all of them."""
