"""Pure alerting: who must know, when, and in which words."""
