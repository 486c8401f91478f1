"""`python -m trainers`, alone or under `accelerate launch -m` or `torchrun -m`."""

import sys

from trainers.cli import main

sys.exit(main())
