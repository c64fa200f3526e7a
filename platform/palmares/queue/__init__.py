"""Work that cannot get lost: the database row is the truth, a message in the broker only wakes a worker."""
