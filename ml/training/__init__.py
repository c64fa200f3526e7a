"""How the shipped weights come about: one loop, one config a model, a card for each."""
