"""PostgreSQL, Redis, web, workers and reaper of one machine: `make run`."""
