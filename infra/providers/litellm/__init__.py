"""Every other vendor, through LiteLLM. The only package that imports litellm, and late."""
