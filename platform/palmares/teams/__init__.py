"""Who works together: users, teams, memberships, invitations, tokens."""
