"""Pure judging: which colour. Knows no clock, no network, no file; every function takes one `now`."""
