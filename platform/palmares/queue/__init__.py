"""Work that cannot get lost: the database row is the truth, the broker only rings a bell."""
