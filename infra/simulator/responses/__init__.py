"""OpenAI's Responses API: answers are lists of items, are stored, and can be continued."""
