"""`python -m playworld` is `playworld`; torchrun starts it this way."""

from playworld.cli import entry

if __name__ == "__main__":
    entry()
