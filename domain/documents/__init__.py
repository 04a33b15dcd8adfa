"""From the raw JSON that operators write to entities, with every fault named; and back, where we write."""
