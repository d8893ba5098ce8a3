"""The table of stable codes: complete, in both languages, with nothing in it that no code is raised for."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from http import HTTPStatus
from pathlib import Path

import pytest

from dedup.codes import LANGUAGES, meanings, preferred_language, status_of, statuses, title_of
from dedup.codes.page import ROOMS, error_page

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "dedup"
# Tools for evaluation: they explain themselves, in English, to whoever builds with them (docs/errors.md says so).
LEFT_OUT = ("lab", "toolkit")
CODE = re.compile(r"[a-z]+(-[a-z]+)*\.[a-z0-9]+(-[a-z0-9]+)*")


@cache
def trees() -> dict[str, ast.Module]:
    """Return the source of the product, by path."""
    return {str(path.relative_to(SOURCE)): ast.parse(path.read_text("utf-8")) for path in sorted(SOURCE.rglob("*.py"))}


def name_of(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


@cache
def error_classes() -> frozenset[str]:
    """Return the names of `DedupError` and all that descends from it."""
    known = {"DedupError"}
    definitions = [node for tree in trees().values() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    while True:
        found = {one.name for one in definitions if known & {name_of(base) for base in one.bases}}
        if found <= known:
            return frozenset(known)
        known |= found


@cache
def makers() -> frozenset[str]:
    """Return what makes an error, or a problem document: the classes, and functions that say they return one."""
    functions = [node for tree in trees().values() for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    returning = {
        one.name
        for one in functions
        if one.returns is not None
        and {name_of(n) for n in ast.walk(one.returns) if isinstance(n, ast.Name)} & error_classes()
    }
    return frozenset(error_classes() | returning | {"problem", "__init__"})


def literals(nodes: list[ast.expr]) -> set[str]:
    """Return the codes that stand in these expressions."""
    texts = [
        n.value for node in nodes for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str)
    ]
    return {text for text in texts if CODE.fullmatch(text)}


def codes_in(tree: ast.Module) -> Iterator[str]:
    """Give every code that a module can raise: literals, constants, and what a function has in hand when it raises."""
    constants = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        if name_of(call.func) in makers() and call.args:
            yield from literals([constants.get(name_of(argument), argument) for argument in call.args[:2]])
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
        if raises_a_variable(function):
            yield from literals([node for node in ast.walk(function) if isinstance(node, ast.Constant)])


def raises_a_variable(function: ast.FunctionDef) -> bool:
    """Tell whether an error's code is the variable `code`, so that the codes stand elsewhere in the function."""
    calls = [node for node in ast.walk(function) if isinstance(node, ast.Call) and node.args]
    return any(name_of(call.func) in error_classes() and name_of(call.args[0]) == "code" for call in calls)


def model_faults() -> set[str]:
    """Return the faults of a linkage model, which `FaultList.add` completes to a code."""
    calls = [
        node
        for path, tree in trees().items()
        if path.startswith("model/")
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and name_of(node.func) == "add" and len(node.args) == 2
    ]
    return {f"model.{call.args[0].value}" for call in calls if isinstance(call.args[0], ast.Constant)}


def doctor_checks() -> set[str]:
    """Return the codes under which `dedup doctor` tells what it found: each is given to a check by its decorator."""
    functions = [
        node
        for path, tree in trees().items()
        if path.startswith("doctor/")
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
    ]
    decorators = [one for node in functions for one in node.decorator_list if isinstance(one, ast.Call)]
    return {code for one in decorators if name_of(one.func) == "check" for code in literals(one.args)}


@cache
def raised() -> frozenset[str]:
    """Return every code that the product can give."""
    found = {code for path, tree in trees().items() if not path.startswith(LEFT_OUT) for code in codes_in(tree)}
    # `main` prints this one for an OSError; what passes a code on (`refused.code`) is found where it is made.
    return frozenset(found | model_faults() | doctor_checks() | {"system.refused"})


def test_every_code_that_is_raised_is_in_the_table() -> None:
    assert raised() - set(meanings("en")) == set()


def test_the_table_has_no_code_that_is_never_raised() -> None:
    assert set(meanings("en")) - raised() == set()


def test_both_languages_have_every_code_and_neither_is_the_other_s() -> None:
    assert meanings("en").keys() == meanings("nl").keys()
    same = {code for code in meanings("en") if meanings("en")[code].title == meanings("nl")[code].title}
    assert same == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_title_is_short_and_a_remedy_is_a_sentence(language: str) -> None:
    for code, meaning in meanings(language).items():
        assert 0 < len(meaning.title) <= 80, code
        assert meaning.title[-1] not in ".!?", code
        assert 0 < len(meaning.remedy) <= 200, code
        assert meaning.remedy.endswith("."), code
        assert "|" not in meaning.title + meaning.remedy, code


def test_statuses_are_those_of_http_and_belong_to_a_code() -> None:
    assert set(statuses()) <= set(meanings("en"))
    assert all(HTTPStatus(status) >= 400 for status in statuses().values())
    assert status_of("bundle.truncated") == 422
    assert status_of("findings.columns") == 500


def test_every_room_has_a_heading() -> None:
    assert {code.partition(".")[0] for code in meanings("en")} == set(ROOMS)


def test_the_page_of_errors_is_the_table_s() -> None:
    assert (ROOT / "docs" / "errors.md").read_text("utf-8") == error_page()


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "nl"),
        ("nl", "nl"),
        ("en", "en"),
        ("en-GB,en;q=0.9,nl;q=0.8", "en"),
        ("de, en;q=0.5", "en"),
        ("fr", "nl"),
        ("nl;q=0.1, en;q=0.2", "en"),
        ("en;q=0", "nl"),
        ("en;q=nonsense, *", "nl"),
        ("," * 1000, "nl"),
    ],
)
def test_the_language_is_the_one_that_is_asked_for_first(header: str, language: str) -> None:
    assert preferred_language(header) == language


def test_a_code_without_an_entry_is_its_own_title() -> None:
    assert title_of("nobody.knows", "en") == "nobody.knows"
    with pytest.raises(KeyError):
        meanings("de")
