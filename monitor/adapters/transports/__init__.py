"""Ways to send: a log for trials, email and webhook by Apprise in worker processes of our own."""
