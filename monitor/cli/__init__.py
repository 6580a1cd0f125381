"""The command `denbao`. Exit 0 fine, 1 the answer is bad news, 2 wrong use or broken config."""
