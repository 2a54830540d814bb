"""Commands that combine the other packages: create a world in a given time, plan, doctor."""
