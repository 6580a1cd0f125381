"""healthy.py URL: exit 0 when it answers with 200 within 4 seconds."""

import sys
from urllib.error import URLError
from urllib.request import urlopen

try:
    with urlopen(sys.argv[1], timeout=4) as answer:  # noqa: S310 (the address stands in the Dockerfile)
        sys.exit(answer.status != 200)
except (OSError, URLError) as broken:
    sys.exit(f"{sys.argv[1]}: {broken}")
