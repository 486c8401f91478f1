"""`python -m datamind_gen VERB ...`."""

import sys

try:
    from datamind_gen.cli import main
except ModuleNotFoundError as error:
    if error.name is None or error.name.startswith("datamind_gen"):
        raise
    sys.exit(
        f"error: {error.name} is not installed for {sys.executable}; use the environment that `make install` "
        "makes (`. .venv/bin/activate`), or install the package into this one"
    )

if __name__ == "__main__":
    sys.exit(main())
