"""Two kinds of settings: those that change a result, and those that do not."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator

ROLE = "role"
Names = Annotated[tuple[str, ...], BeforeValidator(lambda value: (value,) if isinstance(value, str) else value)]
"""Several names; one may be written without a list."""


def identity(default: Any = ..., description: str = "", **constraints: Any) -> Any:
    """A setting that changes the stage's result: it enters the fingerprint."""
    return _field("identity", default, description, constraints)


def operational(default: Any = ..., description: str = "", **constraints: Any) -> Any:
    """A setting that changes where or how fast, never what: it stays out of the fingerprint."""
    return _field("operational", default, description, constraints)


def _field(role: str, default: Any, description: str, constraints: dict[str, Any]) -> Any:
    return Field(default, description=description, json_schema_extra={ROLE: role}, validate_default=True, **constraints)


class Section(BaseModel):
    """One section of pipeline.yaml: frozen, and closed to unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _no_words_for_numbers(cls, value: Any, field: ValidationInfo) -> Any:
        """YAML reads yes, on and true alike, and pydantic would take them for the number 1."""
        wanted = cls.model_fields[str(field.field_name)].annotation
        if isinstance(value, bool) and wanted in (int, float, int | None, float | None):
            raise ValueError("input should be a number; YAML reads yes, no, on and off as true and false")
        return value

    def identity(self) -> dict[str, Any]:
        """The JSON-able part of this section that enters a fingerprint."""
        chosen: dict[str, Any] = {}
        for name, field in type(self).model_fields.items():
            extra = field.json_schema_extra
            if isinstance(extra, dict) and extra.get(ROLE) == "operational":
                continue
            value = getattr(self, name)
            chosen[name] = value.identity() if isinstance(value, Section) else _plain(value)
        return chosen


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return value.identity() if isinstance(value, Section) else value
