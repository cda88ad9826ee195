"""What a log may say of an unexpected error: its kind and where it happened, never a value.

The text of a foreign exception often repeats what it choked on (``KeyError: 'hvs.…'``), and that may be a
secret. Our own errors keep ``detail`` free of secrets for this purpose.
"""

import traceback

from holdfast.errors import HoldfastError


def describe_defect(error: BaseException) -> str:
    """Return the kind of ``error``, its detail if it is ours, and the calls that led there, last first."""
    detail = f" ({error.detail})" if isinstance(error, HoldfastError) and error.detail else ""
    frames = reversed(traceback.extract_tb(error.__traceback__))
    places = " < ".join(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames)
    return f"{type(error).__name__}{detail} at {places}"
