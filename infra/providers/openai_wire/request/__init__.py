"""Build and send requests: address, headers, body."""
