"""``python -m tests.persistence.golden``."""

from tests.persistence.golden import write

if __name__ == "__main__":
    write()
