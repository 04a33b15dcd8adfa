"""OpenAI's Responses API: answers that are lists of items, that are kept, and that others go on with."""
