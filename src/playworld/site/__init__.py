"""Worlds as folders of static files that play in a browser, without a server. See docs/site.md."""
