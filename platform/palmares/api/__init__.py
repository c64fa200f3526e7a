"""What every endpoint shares: pages, problems, permissions."""
