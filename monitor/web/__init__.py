"""The board and the HTTP API: shows committed facts, takes pushed readings and acknowledgements."""
