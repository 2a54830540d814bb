"""What an evaluation measures: a module for each metric."""
