"""`python -m monitor` is `denbao`."""

from monitor.cli.main import main

main()
