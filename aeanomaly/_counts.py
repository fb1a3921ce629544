"""Numbers of things in sentences."""


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun, such as "1 row" or "1,234 rows"; an irregular `plural` is given."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
