"""Pages, messages and documents use everyday technical English: no word of the list below."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BANNED = (
    r"\buntold\b", r"\b(is|are|was|were|not) told\b", r"\bcrew\b", r"\bof nothing\b", r"\bstrangers?\b", r"\bpictures?\b",
    r"\bHere will be\b", r"\bgoes with it\b", r"\bsettled\b", r"\bring(s)? (a|the) bell\b", r"«|»", r"\d %(?![\w(])",
    r"\bwhoever\b", r"\bthe day's quota\b", r"\bHand of it\b", r"\bticked\b",
)  # fmt: skip
TEMPLATES = sorted((ROOT / "platform/palmares/templates").rglob("*.html"))
DOCUMENTS = [ROOT / "README.md", ROOT / "ARCHITECTURE.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def shown(path: Path) -> str:
    """What a reader sees of a template: without tags, expressions and attributes that are not read out."""
    text = path.read_text()
    if path.suffix != ".html":
        return re.sub(r"```.*?```|`[^`]*`", " ", text, flags=re.DOTALL)
    text = re.sub(r"\{#.*?#\}|\{%\s*comment.*?endcomment\s*%\}", " ", text, flags=re.DOTALL)
    text = re.sub(r"\{%.*?%\}|\{\{.*?\}\}", "1", text, flags=re.DOTALL)
    spoken = " ".join(re.findall(r'(?:aria-label|title|placeholder|alt)="([^"]*)"', text))
    return re.sub(r"<[^>]*>", " ", text) + " " + spoken


@pytest.mark.parametrize("path", [*TEMPLATES, *DOCUMENTS], ids=lambda path: str(path.relative_to(ROOT)))
def test_no_banned_word(path: Path):
    found = [m.group() for pattern in BANNED for m in re.finditer(pattern, shown(path), re.IGNORECASE)]
    assert not found


MESSAGES = re.compile(r'(?:Error\(|messages\.\w+\([^,]+, |help_text=|description=)\s*f?"([^"]+)"')


@pytest.mark.parametrize("path", sorted((ROOT / "platform").rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_banned_word_in_messages(path: Path):
    if "migrations" in path.parts:
        return
    for message in MESSAGES.findall(path.read_text()):
        found = [m.group() for pattern in BANNED for m in re.finditer(pattern, message, re.IGNORECASE)]
        assert not found, message


SCRIPTS = sorted(
    path for path in (ROOT / "frontend").rglob("*.ts*") if "node_modules" not in path.parts and ".test." not in path.name
)
SENTENCES = re.compile(r'"([^"\n]* [^"\n]*)"|(?<![=\s])>([^<>{}=;()]* [^<>{}=;()]*)<')
"""Strings and text between tags that hold a space: what is shown, hardly ever a name."""


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_banned_word_in_scripts(path: Path):
    code = re.sub(r"/\*.*?\*/|(?<!:)//[^\n]*", " ", path.read_text(), flags=re.DOTALL)
    said = " | ".join(sentence for groups in SENTENCES.findall(code) for sentence in groups if "--" not in sentence)
    assert not [m.group() for pattern in BANNED for m in re.finditer(pattern, said, re.IGNORECASE)]
