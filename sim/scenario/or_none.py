"""Or none: fields in which the word none says what leaving them out says too; knows no clock."""

from __future__ import annotations

from pydantic import BeforeValidator, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

NoneWord = BeforeValidator(lambda value: None if value == "none" else value)
"""Annotation, around ``... | None``: takes none for a value that is not given."""


class NoneInSchema:
    """Annotation beside `NoneWord`: the JSON Schema lets the word through."""

    def __get_pydantic_json_schema__(
        self, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"anyOf": [{"const": "none"}, handler(core_schema)]}
