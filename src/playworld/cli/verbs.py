"""The commands by name. Options are declared where they are read.

Each is a dataclass made by a function, so that a command imports only what it needs and
`playworld --help` no torch at all.
"""

from collections.abc import Callable

from playworld.cli import acting, curating, looking, making, studying, using
from playworld.cli.verb import Verb

VERBS: dict[str, Callable[[], type[Verb]]] = {
    "record": making.record,
    "import": making.import_,
    "ingest": making.ingest,
    "inspect": looking.inspect,
    "curate": curating.curate,
    "train": making.train,
    "create": making.create,
    "evaluate": using.evaluate,
    "gallery": using.gallery,
    "agent": acting.agent,
    "play": using.play,
    "plan": studying.plan,
    "ablate": studying.ablate,
    "scale": studying.scale,
    "doctor": studying.doctor,
}
