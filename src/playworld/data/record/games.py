"""What can be recorded: Procgen's games, procedural ones, a robot at a table, pictures."""

FPS = 20
"""Frames per second of every recording: one simulator step is one frame."""
LEVELS_PER_SEED = 100_000
"""Levels that belong to one seed: seed s plays levels s * 100,000 and up, so that recordings with
different seeds never share a level."""
MAX_SEED = (2**31 - 1) // LEVELS_PER_SEED - 1
ACTION_NAMES = (
    *("left-down", "left", "left-up", "down", "none", "up", "right-down", "right", "right-up"),
    *("D", "A", "W", "S", "Q", "E"),
)
"""Procgen's 15 actions: 9 directions, then 6 keys that some games use for firing."""

MOVES = tuple(range(9))
SIDES = (1, 2, 4, 5, 7, 8)
CROSS = (1, 3, 4, 5, 7)
GAMES: dict[str, tuple[int, ...]] = {
    "bigfish": MOVES,
    "bossfight": (*MOVES, 9),
    "caveflyer": (*MOVES, 9),
    "chaser": MOVES,
    "climber": SIDES,
    "coinrun": SIDES,
    "dodgeball": (*MOVES, 9),
    "fruitbot": (1, 4, 7, 9),
    "heist": MOVES,
    "jumper": SIDES,
    "leaper": CROSS,
    "maze": CROSS,
    "miner": CROSS,
    "ninja": (*SIDES, 9, 10, 11, 12),
    "plunder": (1, 4, 7, 9),
    "starpilot": (*MOVES, 9, 10),
}
"""Every game, with one action of each kind that it distinguishes (measured: the same state, played
on with each action, gives as many different pictures)."""
SCROLLER = "scroller"
"""No game, but a film of two layers whose movement is known; it needs no simulator."""
ZOO = "zoo"
"""Procedural games, each with rules and looks of its own; it needs no simulator."""
PLATFORMS = "platforms"
"""The zoo's games seen from the side whose view moves exactly as one runs and jumps."""
FETCH: dict[str, tuple[str, ...]] = {
    "fetch": ("push", "pick"),
    "fetch-push": ("push",),
    "fetch-pick": ("pick",),
    "fetch-door": ("door",),
}
"""No games, but a robot at a table: what it does there, in turn."""
UNSEEN = ("climber", "ninja")
"""Games of Procgen that nothing which ships is trained on: a test of unknown looks."""
PICTURES = ("photo", "drawn")
"""No games, but films of photo-like and of drawn scenes, for the same test."""
SETS: dict[str, tuple[str, ...]] = {
    "procgen": tuple(game for game in GAMES if game not in UNSEEN),
    "unseen": (*UNSEEN, *PICTURES),
}
"""What is recorded together, with all backgrounds and themes, each into a folder of its own: what
worlds of many looks may be trained on, and what they are tested on."""
MODES: dict[str, tuple[str, ...]] = {
    "extreme": ("chaser", "dodgeball", "leaper", "starpilot"),
    "memory": ("caveflyer", "dodgeball", "heist", "jumper", "maze", "miner"),
}
"""Games that have a mode; every game has "easy" and "hard"."""


def levels(seed: int) -> range:
    """Return the level seeds that belong to one seed."""
    return range(seed * LEVELS_PER_SEED, (seed + 1) * LEVELS_PER_SEED)
