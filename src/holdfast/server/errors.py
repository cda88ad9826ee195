"""What can keep a store from starting.

InvalidInputError
└── StartError    the host does not have, or does not give, what the configuration asks for
"""

from holdfast.errors import InvalidInputError


class StartError(InvalidInputError):
    """An address, a directory, a file or the memory lock cannot be had; says which and why."""
