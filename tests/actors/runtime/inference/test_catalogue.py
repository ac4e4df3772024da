"""The catalogue's file: what it may say, and what is refused with a word on where."""

from pathlib import Path

import pytest

from actors.runtime.inference.catalogue import CatalogueError, Judge, read

MODEL = """
[[model]]
id = "me.embedder-v1"
path = "bge.gguf"
modality = "EMBEDDING"
aliases = ["amazon.titan-embed-text-v2:0"]
"""


def test_read(tmp_path: Path) -> None:
    (tmp_path / "models.toml").write_text(f'{MODEL}\n[guardrails]\nembedding_model = "amazon.titan-embed-text-v2:0"')
    catalogue = read(tmp_path / "models.toml")
    entry = catalogue.resolve("us.amazon.titan-embed-text-v2:0")
    assert (entry.id, entry.engine, entry.path) == ("me.embedder-v1", "llama", str(tmp_path / "bge.gguf"))
    assert catalogue.judge == Judge("amazon.titan-embed-text-v2:0", 0.6)


@pytest.mark.parametrize(("text", "why"), [
    ("model = 3", "known here"), ("other = 3", "known here"), ("[[model]]", "model 1: a model needs an id"),
    (f"{MODEL}threads = 3", "model 1: there is no key 'threads'"), (f"{MODEL}parallel = -1", "negative"),
    (MODEL + MODEL, "model 2"), ('[guardrails]\nembedding_model = "none.such"', "guardrails"),
    (f'{MODEL}\n[guardrails]\nembedding_model = "me.embedder-v1"\ntopic_similarity = 2.0', "between 0 and 1"),
    ("[guardrails]\nmodel = 1", "guardrails"), ("[[", "models.toml"),
])
def test_refused(text: str, why: str, tmp_path: Path) -> None:
    (tmp_path / "models.toml").write_text(text)
    with pytest.raises(CatalogueError, match=why):
        read(tmp_path / "models.toml")
