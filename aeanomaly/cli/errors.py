"""What the command line says to its user."""


class CommandError(Exception):
    """One sentence for standard error; the exit code is 1."""
