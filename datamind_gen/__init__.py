"""datamind_gen makes training trajectories for data-analytic agents from real data files.

YAML taxonomies and Jinja templates say what to ask; the engine reads the files, composes
easy-to-hard questions, samples code-running trajectories in a sandbox, keeps what it can trust
and publishes a dataset. Start with `python -m datamind_gen run quickstart`.
"""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("datamind-gen")
except PackageNotFoundError:  # run from a source tree that was never installed
    __version__ = "0+source"
