"""Use cases behind the command line: catalogue, history, prices, projects, keys, usage, and what explains them."""
