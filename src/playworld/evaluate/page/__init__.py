"""The report for people: on the terminal, as a page, and as a folder with pictures."""
