"""Pure reporting: how it went and why, from committed facts."""
