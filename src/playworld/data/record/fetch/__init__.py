"""A Fetch robot at a table, simulated by MuJoCo and moved by scripted policies (docs/record.md)."""
