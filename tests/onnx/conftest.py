import jaxtyping
import pytest
import torch

from playworld.onnx.export import export_world
from tests.world.test_variants import build, variants


@pytest.fixture(autouse=True, scope="package")
def unchecked():
    """While a graph is traced, sizes are tensors: what signatures say of them does not hold."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.fixture(scope="package")
def changes():
    """A tiny world of changes with random weights."""
    return build(variants()["changes"])


@pytest.fixture(scope="package")
def exported(changes, unchecked, tmp_path_factory):
    """The folder to which it is exported."""
    folder = tmp_path_factory.mktemp("exported") / "changes"
    export_world(changes, folder)
    return folder


@pytest.fixture
def picture():
    """A picture of the tiny worlds."""
    generator = torch.Generator().manual_seed(1)
    return torch.randint(0, 256, (16, 24, 3), dtype=torch.uint8, generator=generator)
