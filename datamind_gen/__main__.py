"""`python -m datamind_gen VERB ...`."""

import sys

from datamind_gen.cli import main

if __name__ == "__main__":
    sys.exit(main())
