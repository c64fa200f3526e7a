"""Links that open a dashboard, a viewer state or a board to people without an account."""
