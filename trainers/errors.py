"""The trainer's error: a mistake that its user can mend. The message names the key, the value and the fix."""


class TrainerError(Exception):
    """Shown without a traceback; exit code 2."""
