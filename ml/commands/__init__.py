"""What can be done from a shell with neither server nor database."""
