"""The JSON Schemas of documents agree with what reading accepts."""

import json

import jsonschema
import pytest

from mincache.errors import InputError
from mincache.files.documents import instance_bytes, solution_bytes
from mincache.files.json_schemas import json_schema
from mincache.generation.suites import find
from mincache.problem.solution import Solution


def test_published_documents_keep_the_schemas():
    """Each instance of smoke-v1, and an answer to it, is valid by its schema."""
    for instance in find("smoke-v1"):
        jsonschema.validate(json.loads(instance_bytes(instance)), json_schema("instance"))
        answer = solution_bytes(Solution.nothing_cached(instance))
        jsonschema.validate(json.loads(answer), json_schema("solution"))


def test_there_are_two_kinds():
    """Another kind of document has no schema."""
    with pytest.raises(InputError, match="must be 'instance' or 'solution'"):
        json_schema("suite")
