"""The English of docstrings, comments, messages and pages: plain sentences, and the field's terms.

``python -m tests.test_english [folder or file ...]`` lists what breaks the rules.
"""

import ast
import io
import re
import sys
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
#: The file of the banned words, which is not checked.
WORD_LIST = Path(__file__).resolve()
#: Folders and files that a build of the documentation writes.
GENERATED = [ROOT / "docs" / name for name in ("auto_examples", "reference", "_build", "sg_execution_times.rst")]
#: A docstring opens with a verb or a noun phrase.
_OPENING = re.compile(r"(What|Whether|Of|As|That|The same|How|Where|Those|One|Who|Why|Which)\b")
#: Words of a private dialect, and the reader's word for each.
BANNED = {
    r"holes?": "missing value",
    r"anew": "again",
    r"for ever": "forever",
    r"nobody": "no caller, or the passive voice",
    r"whatever": "any",
    r"(?:is|are|was|were) no(?= [a-z])(?! longer| more)": "is not a",
    r"what is no\b": "what is not",
    r"(?:the )?rooms?": "subpackage",
    r"the house": "the package",
    r"floors?(?! division)": "layer",
    r"at the door": "in validation",
    r"truth values?": "boolean",
    r"of one's own": "of your own",
    r"(?:optimis|standardis|normalis|minimis|regularis|generalis)\w*": "American spelling",
    r"(?:colour|neighbour|behaviour|centre|(?<!aria-)labelled)\w*": "American spelling",
}
#: A percentage is written 5%.
_SPACED_PERCENT = r"\d+ %(?= [a-z])"
_BANNED = re.compile(rf"\b(?:{'|'.join(BANNED)})\b|{_SPACED_PERCENT}", re.IGNORECASE)


def texts(path):
    """Yield (line, text, is docstring) of all that a reader of a Python file reads beside code."""
    source = path.read_text(encoding="utf-8")
    docstrings = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node):
            first = node.body[0]
            docstrings.add(id(first.value))
            yield first.lineno, ast.get_docstring(node), True
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value
        if is_text and id(node) not in docstrings:
            yield node.lineno, node.value, False
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string, False


def faults(path):
    """Yield sentences on what breaks the rules in a file."""
    if path.suffix == ".py":
        for line, text, is_docstring in texts(path):
            if is_docstring and (match := _OPENING.match(text)):
                yield f"{path}:{line}: a docstring opens with {match[0]!r}: {text.splitlines()[0][:80]}"
            for match in _BANNED.finditer(text):
                yield f"{path}:{line}: {match[0]!r}: {' '.join(text[max(0, match.start() - 30) :][:80].split())}"
    else:
        for line, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            for match in _BANNED.finditer(text):
                yield f"{path}:{line}: {match[0]!r}: {text[max(0, match.start() - 30) :][:80]}"


def files(*places):
    for place in places:
        found = [place] if place.is_file() else place.rglob("*")
        yield from sorted(path for path in found if path.suffix in (".py", ".rst", ".md") and not is_exempt(path))


def is_exempt(path):
    """Return True for the list of banned words, and for pages that a build of the documentation generates."""
    path = path.resolve()
    return path == WORD_LIST or any(place in (path, *path.parents) for place in GENERATED)


#: Files and folders that keep the rules.
KEPT = [
    "aeanomaly",
    "benchmarks",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "conftest.py",
    "datasets",
    "docs",
    "examples",
    "README.md",
    "SECURITY.md",
    "tests",
]


@pytest.mark.parametrize("place", KEPT)
def test_plain_english(place):
    assert not [fault for path in files(ROOT / place) for fault in faults(path)]


def test_generated_pages_are_not_checked():
    assert is_exempt(ROOT / "docs" / "auto_examples" / "01_score_a_csv.rst")
    assert not is_exempt(ROOT / "docs" / "reference.rst")


if __name__ == "__main__":
    found = [f for path in files(*map(Path, sys.argv[1:] or ["aeanomaly"])) for f in faults(path)]
    print("\n".join([*found, f"{len(found)} places"]))
