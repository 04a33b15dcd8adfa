"""Published prices of models, to compare the catalogue with."""
