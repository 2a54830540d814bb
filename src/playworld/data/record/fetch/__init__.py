"""A Fetch robot at a table, simulated by MuJoCo and moved by scripted hands (docs/record.md)."""
