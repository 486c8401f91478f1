"""`python -m trainers`, alone or under `accelerate launch -m` or `torchrun -m`."""

import sys

try:
    from trainers.cli import main
except ModuleNotFoundError as error:
    if error.name is None or error.name.startswith(("datamind_gen", "trainers")):
        raise
    sys.exit(
        f"error: {error.name} is not installed for {sys.executable}; use the environment that `make install` "
        "makes (`. .venv/bin/activate`), or install the package into this one"
    )

sys.exit(main())
