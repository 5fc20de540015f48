"""YAML as settings are written: no key twice, and errors in one line."""

from typing import Any

import yaml

from sidflow.errors import ConfigError


def read_yaml(text: str, where: str) -> Any:
    """The content of a YAML text.

    Args:
        text: A whole file, or the value of one setting.
        where: File or option, for the message.

    Raises:
        ConfigError: If it is not YAML, or a mapping has a key twice: plain YAML readers drop the first one silently.
    """
    try:
        return yaml.load(text, _Loader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigError(f"{where}: cannot be read as YAML: {_reason(error)}. {_step(error)}") from error


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader that refuses a key that is there twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: dict[Any, int] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.value == "<<":
                continue
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key '{key.value}' is there twice, first in line {seen[key.value]}", key.start_mark
                )
            seen[key.value] = key.start_mark.line + 1
        return super().construct_mapping(node, deep)


def _reason(error: Exception) -> str:
    if not isinstance(error, yaml.MarkedYAMLError):
        return " ".join(str(error).split()) or type(error).__name__
    what = ", ".join(each for each in (error.context, error.problem) if each)
    mark = error.problem_mark or error.context_mark
    return f"line {mark.line + 1}, column {mark.column + 1}: {what}" if mark else what


def _step(error: Exception) -> str:
    if "'\\t'" in str(error):
        return "Indent with spaces; YAML allows no tabs."
    if "is there twice" in str(error):
        return "Leave one of them."
    return "Mend that line; a value with ':', '#', '{' or '[' needs quotes."
