"""The gateways that Apprise does not know, as Apprise plug-ins of our own. Loaded in worker processes only.

A gateway is three things: how a message becomes a request (`ask`), how an answer is read (`read`), and what its codes
mean (`codes.csv`). The wire is one function for all of them (`wire.py`): bounded, without redirects or proxies.
"""
