"""What ingest kept and what it left out, as a page to look at."""
