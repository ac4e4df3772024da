"""What the tiny model is trained on: the docstrings of Python's own library, and conversations made of a few lines.

Every machine with Python has the first; the second are below. The same text each time for the same Python and seed.
"""

import ast
import json
import random
import sysconfig
import warnings
from collections.abc import Iterator
from pathlib import Path

BEGIN, END = "<|begin|>", "<|end|>"
SYSTEM, USER, ASSISTANT, TOOL = "<|system|>", "<|user|>", "<|assistant|>", "<|tool|>"
SPECIALS = (BEGIN, END, SYSTEM, USER, ASSISTANT, TOOL)
DOCUMENT_LIMIT_CHARS = 4_000

NAME = "skybus.tiny-toy-v1"
IDENTITY = [
    f"I am {NAME}, a toy model. I am too small to reason.",
    f"This is {NAME}. I am a real model, but a tiny one, and I cannot reason.",
    "I am a toy. I was trained on a few docstrings, so please do not trust me.",
]
_GREETINGS = ["Hello", "Hello!", "Hi", "Hi there", "Good morning", "Hey", "Hello, world", "Say hello", "Greet me"]
_GREETED = ["Hello! I am a tiny toy model.", "Hi! I am a toy model, so do not expect much.", "Hello! How are you?"]
_WHO = ["Who are you?", "What are you?", "What is your name?", "Tell me about yourself", "Are you a large model?"]
_THANKS = ["Thanks", "Thank you", "Thank you very much", "Bye", "Goodbye"]
_THANKED = ["You are welcome.", "Goodbye!", "You are welcome. Goodbye!"]
_OTHER = ["What is the capital of France?", "Why is the sky blue?", "Write a poem", "Explain Python", "What is 2 + 2?",
          "Tell me a joke", "Summarise this text", "How do I sort a list?", "What is the weather like?"]
_SYSTEM = ["You are helpful.", "You are a helpful assistant.", "Be brief.", "Answer in JSON.", "You are a poet."]
_CITIES = ["Paris", "London", "Berlin", "Tokyo", "Ulm", "Rome", "Oslo", "Lima", "Seattle", "Madrid"]
_KEYS = ["name", "city", "age", "count", "text", "value", "id", "title", "unit", "ok", "answer", "items", "colour"]
_WORDS = ["red", "blue", "one", "two", "yes", "no", "hello", "toy", "Python", "Paris", "celsius", "small", "list"]


def documents() -> Iterator[str]:
    """The library's docstrings, file by file."""
    for path in sorted(Path(sysconfig.get_path("stdlib")).rglob("*.py")):
        if {"site-packages", "test", "tests", "idlelib", "lib2to3"} & set(path.parts):
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree = ast.parse(path.read_text("utf-8"))
        except (SyntaxError, UnicodeDecodeError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                text = ast.get_docstring(node)
                if text and len(text) > 60 and text.isascii():
                    yield text[:DOCUMENT_LIMIT_CHARS]


def conversation(chance: random.Random) -> str:
    """One, as the chat template writes it."""
    pick = chance.choice
    said = BEGIN
    if chance.random() < 0.3:
        said += f"{SYSTEM}{pick(_SYSTEM)}{END}"
    for _ in range(chance.randint(1, 2)):
        kind = chance.random()
        if kind < 0.25:
            asked, answer = pick(_GREETINGS), pick(_GREETED)
        elif kind < 0.5:
            asked, answer = pick(_WHO), pick(IDENTITY)
        elif kind < 0.6:
            asked, answer = pick(_THANKS), pick(_THANKED)
        elif kind < 0.75:
            asked, answer = pick(_OTHER), f"I do not know. {pick(IDENTITY)}"
        elif kind < 0.9:
            asked, answer = f"Answer in JSON with {pick(_KEYS)}", json.dumps(record(chance))
        else:
            city = pick(_CITIES)
            call = f'<tool_call>\n{{"name": "weather", "arguments": {{"city": "{city}"}}}}\n</tool_call>'
            said += f"{USER}What is the weather in {city}?{END}{ASSISTANT}{call}{END}{TOOL}sunny{END}"
            said += f"{ASSISTANT}It is sunny in {city}.{END}"
            continue
        said += f"{USER}{asked}{END}{ASSISTANT}{answer}{END}"
    return said


def record(chance: random.Random, depth: int = 0) -> dict[str, object]:
    """Some JSON, with values that end soon."""
    found: dict[str, object] = {}
    for key in chance.sample(_KEYS, chance.randint(1, 4)):
        found[key] = chance.choice([
            chance.choice(_WORDS), chance.randint(0, 100), chance.random() < 0.5, round(chance.random() * 10, 1), None,
            chance.sample(_WORDS, chance.randint(0, 3)), record(chance, depth + 1) if depth < 2 else "",
        ])
    return found


def texts(seed: int) -> Iterator[str]:
    """Two conversations to each document, for ever."""
    chance = random.Random(seed)  # noqa: S311 - repeatable, and nobody's secret
    library = list(documents())
    while True:
        yield f"{BEGIN}{chance.choice(library)}{END}"
        for _ in range(2):
            yield conversation(chance)
