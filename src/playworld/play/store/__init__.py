"""Games outside of the process that plays them: in a file, a Redis server, or a Ray actor."""
