"""A model without a model: deterministic answers, usage and faults."""
