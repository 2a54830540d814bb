"""The imports point one way: from the screen down to the data, never up."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "playworld"
ORDER = [
    "lazy",
    "words",
    "progress",
    "signals",
    "splitmix",
    "config",
    "lfs",
    "machine",
    "atomic",
    "markup",
    "images",
    "data",
    "models",
    "manifest",
    "world",
    "onnx",
]
ORDER += [
    "train",
    "evaluate",
    "export",
    "agents",
    "presets",
    "studies",
    "workflows",
    "play",
    "site",
    "curate",
    "cli",
    "__main__",
]
ONLY = {  # narrower than the order allows
    "models": {"config", "models"},
    "play": {"lazy", "signals", "config", "atomic", "markup", "images", "data", "world", "play"},
    "curate": {
        "words",
        "progress",
        "config",
        "machine",
        "atomic",
        "images",
        "data",
        "models",
        "manifest",
        "train",
        "play",
        "curate",
    },
}
MODULES = sorted(SOURCE.rglob("*.py"))


def layer(module: str) -> str:
    """`playworld.world.maskgit` lies in `world`; the bare package stands for it too."""
    return (module.split(".") + ["world"])[1]


def imported(source: str) -> set[str]:
    """Layers of playworld that a module imports, at its top or anywhere inside."""
    modules = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module == "playworld":
            modules |= {f"playworld.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            modules.add("." * node.level + (node.module or ""))
        elif isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
    assert not [m for m in modules if m.startswith(".")], "imports are absolute"
    return {layer(m) for m in modules if m.split(".")[0] == "playworld"}


def forbidden(own: str, source: str) -> set[str]:
    allowed = ONLY.get(own, set(ORDER[: ORDER.index(own) + 1]))
    offered = {"InputError": "config", "__version__": "config", "World": "world"}
    offered |= {"SamplerConfig": "world", "WorldState": "world"}
    return {offered.get(name, name) for name in imported(source)} - allowed


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_a_module_imports_only_from_what_stands_above_it(path):
    own = path.relative_to(SOURCE).with_suffix("").parts[0]
    if own == "__init__":
        assert imported(path.read_text()) <= {"lazy", "config", "world"}
    else:
        assert forbidden(own, path.read_text()) == set()


@pytest.mark.parametrize(
    ("own", "line", "wrong"),
    [
        ("models", "from playworld.data.clips.dataset import ClipDataset", "data"),
        ("data", "import playworld.models.pixels", "models"),
        ("world", "def f():\n    from playworld.train import loop", "train"),
        ("play", "from playworld.models.pixels import to_float", "models"),
        ("data", "from playworld import World", "world"),
    ],
)
def test_an_import_that_points_up_is_found(own, line, wrong):
    assert forbidden(own, line) == {wrong}
