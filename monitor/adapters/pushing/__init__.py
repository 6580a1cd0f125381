"""Pushing metrics to where nobody can scrape them: how a page is written for the wire, and the buffer on disk."""
