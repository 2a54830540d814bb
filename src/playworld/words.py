"""Numbers in sentences."""


def counted(number: float, noun: str, plural: str | None = None) -> str:
    """A count and its noun: "1 video", "2,000 videos", "2 matches" where the plural is given."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
