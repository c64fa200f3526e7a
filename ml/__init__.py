"""What a hand is and how to find it: arrays in, arrays out. Knows no database, no HTTP, no queue."""
