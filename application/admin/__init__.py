"""Use cases behind the command line: catalogue, projects, keys, usage."""
