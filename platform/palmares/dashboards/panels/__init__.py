"""What panels show: one builder a kind, which gives data for the API and for the page."""
