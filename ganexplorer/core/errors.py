"""The one base of errors that a person can mend; window and command line show them without a traceback."""

from __future__ import annotations


class UserError(Exception):
    """Unusable input. The text names what, where and the remedy in one or two plain sentences."""
