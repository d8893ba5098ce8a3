"""docs/models.md tells the truth: its example loads, and its table of faults is the code's."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from dedup.model.load import parse_model

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/models.md").read_text("utf-8")


def test_the_example_is_a_sound_model() -> None:
    example = "\n".join(re.findall(r"```toml\n(.*?)```", PAGE, flags=re.DOTALL))
    model = parse_model(tomllib.loads(example))
    assert (model.name, len(model.passes)) == ("people", 3)


def test_every_code_of_a_fault_is_explained_and_no_other() -> None:
    sources = [(ROOT / f"src/dedup/model/{name}.py").read_text("utf-8") for name in ("load", "validate", "toml_table")]
    raised = {f"model.{code}" for s in sources for code in re.findall(r'add\(\s*"([a-z0-9-]+)"', s)}
    raised |= {f"model.{code}" for s in sources for code in re.findall(r'reader, "([a-z-]+)", faults', s)}
    raised |= {code for s in sources for code in re.findall(r'"(model\.[a-z-]+)"', s)} | {"model.faults"}
    explained = set(re.findall(r"`(model\.[a-z-]+)`", PAGE.partition("## Faults")[2]))
    assert explained == raised
