"""Files that are not there, not text, or not TOML."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.errors import SpecError
from pipelines.spec import load_policy, load_spec

SYNTAX = {
    "text without quotes": (
        "title = Bucheon\n",
        (
            "release.toml, line 1, column 9: this is not TOML: Invalid value. "
            'Write text in quotes: title = "My city"; true and false in small letters.'
        ),
    ),
    "windows path in double quotes": (
        'title = "x"\npath = "C:\\data\\pings"\n',
        (
            "release.toml, line 2, column 13: this is not TOML: Unescaped '\\' in a string. "
            "Write a Windows path in single quotes: 'C:\\data'."
        ),
    ),
    "date that does not exist": (
        "dates = { start = 2026-02-30 }\n",
        (
            "release.toml, line 1, column 19: this is not TOML: Invalid date or datetime. "
            "Write a date that exists, such as 2026-03-02."
        ),
    ),
    "key twice": (
        "cap = 1\ncap = 2\n",
        (
            "release.toml, line 2, column 8: this is not TOML: Cannot overwrite a value. "
            "Each key is written once; a further table entry starts with [[tables]]."
        ),
    ),
    "section twice": (
        "[zones]\n[zones]\n",
        (
            "release.toml, line 2, column 7: this is not TOML: Cannot declare ('zones',) twice. "
            "Each section is written once; [[tables]] and [[sources]] repeat."
        ),
    ),
    "colon": (
        "title: 1\n",
        (
            "release.toml, line 1, column 6: this is not TOML: Expected '=' after a key in a "
            "key/value pair. Write key = value, such as cap = 4, one on a line; spaces in a key "
            'need "".'
        ),
    ),
    "quote left open": (
        'title = "Bucheon\n',
        (
            "release.toml, line 1, column 17: this is not TOML: Illegal character '\\n'. "
            "End the text with the quote that it starts with, on the same line."
        ),
    ),
    "fraction without quotes": (
        "share = 1/2\n",
        (
            "release.toml, line 1, column 10: this is not TOML: Expected newline or end of "
            "document after a statement. Write one key = value on a line; text and fractions "
            "need quotes; a date is 2026-03-02."
        ),
    ),
    "braces over two lines": (
        "dates = { days = 7,\nstart = 2026-03-02 }\n",
        (
            "release.toml, line 1, column 20: this is not TOML: Invalid initial character for a "
            "key part. Keep what stands in braces { } on one line."
        ),
    ),
    "section left open": (
        "[[tables]\n",
        (
            "release.toml, line 1, column 9: this is not TOML: Expected ']]' at the end of an "
            "array declaration. Close the bracket that was opened."
        ),
    ),
    "bracket left open": (
        "x = [1,\n",
        (
            "release.toml, line 1, column 8: this is not TOML: Invalid value. "
            'Write text in quotes: title = "My city"; true and false in small letters.'
        ),
    ),
}


@pytest.mark.parametrize(("text", "line"), SYNTAX.values(), ids=SYNTAX.keys())
def test_syntax_is_answered_with_line_and_column(folder: Path, text: str, line: str) -> None:
    (folder / "release.toml").write_text(text, encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        load_spec("release.toml")
    assert str(caught.value) == line


UNREADABLE = {
    "UTF-16": ("title = 'x'".encode("utf-16"), "is not UTF-8 text (byte 0)."),
    "nesting": (b"x = " + b"[" * 5000, "lists or tables are nested too deeply."),
    "digits": (b"x = " + b"1" * 5000, "a number is too long to be read."),
    "size": (b"#" * 1_000_001, "is larger than 1 MB: is it a TOML file?"),
}


@pytest.mark.parametrize(("content", "words"), UNREADABLE.values(), ids=UNREADABLE.keys())
def test_what_cannot_be_read_is_one_line(folder: Path, content: bytes, words: str) -> None:
    (folder / "release.toml").write_bytes(content)
    with pytest.raises(SpecError) as caught:
        load_spec("release.toml")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_names_the_command_that_makes_one(folder: Path) -> None:
    with pytest.raises(SpecError, match=r"^nowhere\.toml does not exist\. .*`murmuration init`"):
        load_spec("nowhere.toml")
    with pytest.raises(SpecError, match=r"^nowhere\.toml does not exist\. .*`murmuration init`"):
        load_policy("nowhere.toml")


def test_a_folder_is_no_spec(folder: Path) -> None:
    with pytest.raises(SpecError, match=r"^pings is a folder\. Write the file in it"):
        load_spec("pings")


@pytest.mark.parametrize("path", ["a\0b", "x" * 5000])
def test_a_path_that_cannot_exist_is_one_line(path: str) -> None:
    with pytest.raises(SpecError):
        load_spec(path)


def test_a_byte_order_mark_and_windows_line_ends_are_read(folder: Path) -> None:
    path = folder / "release.toml"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert load_spec("release.toml").title == "Daily mobility, Bucheon"
