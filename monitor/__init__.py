"""denbao: green, yellow and red for two-tier local government."""
