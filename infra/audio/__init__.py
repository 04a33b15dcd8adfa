"""How long a recording plays, from its bytes alone: one module for each container."""
