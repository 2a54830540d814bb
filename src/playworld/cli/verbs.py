"""The commands by name.

Options are declared beside the code that reads them, in modules that import nothing heavy, and a
command imports the rest when it runs: help and a mistyped option never wait for torch.
"""

from playworld.cli import acting, curating, looking, making, studying, using
from playworld.cli.verb import Verb

VERBS: dict[str, type[Verb]] = {
    "record": making.Record,
    "import": making.Import,
    "ingest": making.Ingest,
    "inspect": looking.Inspect,
    "curate": curating.Curate,
    "train": making.Train,
    "create": making.Create,
    "evaluate": using.Evaluate,
    "gallery": using.Gallery,
    "agent": acting.Agent,
    "play": using.Play,
    "plan": studying.Plan,
    "ablate": studying.Ablate,
    "scale": studying.Scale,
    "doctor": studying.Doctor,
}
