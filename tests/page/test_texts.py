"""The texts of the page: whole in every language, and no more than it shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "services/api/src/soundalike/api/page"
LANGUAGES = sorted(file.stem for file in (PAGE / "strings").glob("*.js"))
MODULES = [
    file for file in sorted(PAGE.rglob("*.js")) if not {"strings", "vendor"} & set(file.relative_to(PAGE).parts[:-1])
]
SOURCE = "\n".join(file.read_text(encoding="utf-8") for file in MODULES)


def entries(language: str) -> dict[str, str]:
    """Return the texts of a language by name, as they stand in its file; plural forms are part of one text."""
    content = (PAGE / "strings" / f"{language}.js").read_text(encoding="utf-8")
    return dict(re.findall(r"^  (\w+):(.*(?:\n(?!  \w|\};).*)*)", content, flags=re.MULTILINE))


def fields(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))


def test_there_is_a_second_language() -> None:
    assert {"de", "en"} <= set(LANGUAGES)
    assert "title" in entries("en")


@pytest.mark.parametrize("language", sorted(set(LANGUAGES) - {"en"}))
def test_a_language_has_every_text_with_its_fields(language: str) -> None:
    texts, english = entries(language), entries("en")
    assert list(texts) == list(english)
    assert {name: fields(texts[name]) for name in texts} == {name: fields(english[name]) for name in english}


def test_every_text_that_is_shown_exists() -> None:
    names = set(re.findall(r"\btext\(\s*[\"'](\w+)[\"']", SOURCE))
    assert "title" in names
    assert names - set(entries("en")) == set()


def test_every_text_is_shown_somewhere() -> None:
    shown = set(re.findall(r"[\"'](\w+)[\"']", SOURCE)) | {"languageName"}
    # Names that are put together: `signal${…}`, `${name}Label`.
    prefixes = tuple(re.findall(r"\btext\(\s*`(\w+)\$\{", SOURCE))
    suffixes = re.findall(r"\btext\(\s*`\$\{[^}`]+\}(\w+)`", SOURCE)
    shown |= {name + suffix for name in shown for suffix in suffixes}
    assert [name for name in entries("en") if name not in shown and not (prefixes and name.startswith(prefixes))] == []


def test_a_name_stands_in_a_language_once() -> None:
    for language in LANGUAGES:
        content = (PAGE / "strings" / f"{language}.js").read_text(encoding="utf-8")
        names = re.findall(r"^  (\w+):", content, flags=re.MULTILINE)
        assert sorted(names) == sorted(set(names)), language
