"""YAML to types: reads a site, names every problem with file and line, builds frozen specs."""
