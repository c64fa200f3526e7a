"""How wrong a prediction is: alignments, errors, protocols, and what can be said without any truth."""
