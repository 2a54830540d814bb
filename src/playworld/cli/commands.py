"""The commands by name, each in a module of its own.

Options are declared beside the code that reads them, in modules that import nothing heavy, and a
command imports the rest when it runs: neither help nor a mistyped option waits for torch.
"""

from playworld.cli.ablate import Ablate
from playworld.cli.agent import Agent
from playworld.cli.command import Command
from playworld.cli.create import Create
from playworld.cli.curate import Curate
from playworld.cli.doctor import Doctor
from playworld.cli.evaluate import Evaluate
from playworld.cli.export import Export
from playworld.cli.gallery import Gallery
from playworld.cli.import_dataset import Import
from playworld.cli.ingest import Ingest
from playworld.cli.inspect import Inspect
from playworld.cli.label import LabelKeys
from playworld.cli.plan import Plan
from playworld.cli.play import Play
from playworld.cli.record import Record
from playworld.cli.scale import Scale
from playworld.cli.serve import Serve
from playworld.cli.train import Train

COMMANDS: dict[str, type[Command]] = {
    "record": Record,
    "import": Import,
    "ingest": Ingest,
    "inspect": Inspect,
    "curate": Curate,
    "train": Train,
    "create": Create,
    "label": LabelKeys,
    "evaluate": Evaluate,
    "gallery": Gallery,
    "agent": Agent,
    "play": Play,
    "serve": Serve,
    "export": Export,
    "plan": Plan,
    "ablate": Ablate,
    "scale": Scale,
    "doctor": Doctor,
}
