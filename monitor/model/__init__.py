"""Frozen facts and words of the domain. Standard library only; imports nothing above."""
