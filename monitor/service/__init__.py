"""The imperative shell: loops, lifecycle, commands. Fetches, decides, commits, and only then sends."""
