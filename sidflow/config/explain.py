"""What is wrong with a setting, in one line: where, what was got, what is allowed, what to do."""

import difflib
import typing
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import BaseModel

_PLAINER = {
    "tuple_type": "input should be a list, such as [a, b]",
    "model_type": "input should be a section: a mapping of its keys",
    "model_attributes_type": "input should be a section: a mapping of its keys",
    "too_short": "it should have at least one entry",
    "string_too_short": "it should not be empty",
    "bool_parsing": "input should be true or false",
}


def explain(model: type[BaseModel], error: Any, source: str, changed: Sequence[str] = ()) -> str:
    """One of pydantic's errors as a line for whoever wrote the setting.

    Args:
        model: The whole configuration.
        error: From `ValidationError.errors()`.
        source: The file.
        changed: Dotted keys that `--set` gave; errors in these are its, not the file's.
    """
    location = error["loc"]
    where = ".".join(str(each) for each in location)
    by_option = any(f"{where}.".startswith(f"{key}.") or f"{key}.".startswith(f"{where}.") for key in changed)
    if error["type"] == "extra_forbidden":
        return f"{'--set' if by_option else source}: unknown key '{where}'; {_hint(model, location)}"
    if error["type"] == "invalid_key":
        return f"{source}: the key {error['input']!r} is not text; allowed are names of settings. Correct or quote it."
    if error["type"] == "missing":
        return f"{source}: {where}: is missing; it has no default. Add it."
    step = "Give another value." if by_option else f"Change it there or with --set {where}=..."
    origin = "--set " if by_option else f"{source}: "
    message = _PLAINER.get(error["type"], error["msg"].removeprefix("Value error, "))
    if isinstance(error["input"], dict) and error["type"] == "value_error":  # about several keys: it names them itself
        return f"{origin}{where}{'.' if where else ''}{message}."
    if error["type"] == "string_type" and isinstance(error["input"], dict | list):
        message += "; YAML reads { and [ as collections, so put quotes around the value: '\"{title}\"'"
    if error["type"] == "string_pattern_mismatch":
        message = f"it should be: {_description(model, location)}"
    return f"{origin}{where}: got {_shortened(error['input'])}; {message[0].lower()}{message[1:].rstrip('.')}. {step}"


def _hint(model: type[BaseModel], location: Sequence[Any]) -> str:
    """The closest known key of the same section; else where a key of that name belongs; else all known keys."""
    name = str(location[-1])
    section = _section(model, location[:-1])
    known = sorted(section.model_fields) if section else []
    if close := difflib.get_close_matches(name.lower().strip(), known, n=1):
        return f"did you mean '{close[0]}'?"
    if elsewhere := [path for path in _paths(model) if path.rpartition(".")[2] == name]:
        return f"did you mean {' or '.join(map(repr, elsewhere))}?"
    return f"allowed: {', '.join(known)}."


def _description(model: type[BaseModel], location: Sequence[Any]) -> str:
    section = _section(model, location[:-1])
    field = section.model_fields.get(str(location[-1])) if section else None
    return (field.description if field else None) or "of another form"


def _section(model: type[BaseModel], location: Sequence[Any]) -> type[BaseModel] | None:
    """The section at a location; numbers count entries of lists."""
    for name in location:
        if isinstance(name, int):
            continue
        field = model.model_fields.get(str(name))
        inner = [each for each in _types(field.annotation if field else None) if issubclass(each, BaseModel)]
        if not inner:
            return None
        model = inner[0]
    return model


def _types(annotation: Any) -> Iterator[type[Any]]:
    if isinstance(annotation, type):
        yield annotation
    for each in typing.get_args(annotation):
        yield from _types(each)


def _paths(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """The dotted names of all settings."""
    for name, field in model.model_fields.items():
        path = f"{prefix}{name}"
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _paths(field.annotation, f"{path}.")
        else:
            yield path


def _shortened(value: Any) -> str:
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= 80 else f"{text[:80]}..."
