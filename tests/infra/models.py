"""Requests to AWS held against botocore's models of the services: what is sent, and what in it AWS would refuse.

moto's router and parsers turn an HTTP request back into an operation and its parameters. What a model says of them is
required members, lengths, ranges, patterns and enumerations; botocore itself checks the first and lower bounds only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import regex
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.request import Request, determine_request_protocol
from moto.core.routing import get_service_router
from moto.core.utils import get_service_model

SIGNED_AS = {"monitoring": "cloudwatch", "states": "stepfunctions"}
"""Service in a signature to its model's name in botocore, where the two differ."""

NAMES = {
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
    ("s3", "CreateBucket", "Bucket"): "[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]",
    # https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html
    ("lambda", "CreateFunction", "FunctionName"): "[a-zA-Z0-9-_]{1,64}",
    # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html
    ("sqs", "CreateQueue", "QueueName"): "[a-zA-Z0-9-_]{1,80}",
}
"""What the documentation says of names and the models do not."""

SCOPE = re.compile(r"Credential=[^/]+/\d{8}/[^/]+/([^/]+)/aws4_request")


@dataclass(frozen=True)
class Call:
    """A request to AWS, and what its model says against it."""

    service: str
    operation: str
    parameters: dict[str, Any]
    problems: tuple[str, ...]


class NotUnderstood(Exception):
    """A request that fits no operation of its service."""


def read_call(method: str, path: str, headers: Mapping[str, str], body: bytes) -> Call:
    """The call that an HTTP request is; ``path`` with its query.

    Raises:
        NotUnderstood: it is not signed, or no operation of its service is like it.
    """
    signed = SCOPE.search(headers.get("Authorization", ""))
    if signed is None:
        raise NotUnderstood(f"{method} {path} is not signed")
    service = SIGNED_AS.get(signed[1], signed[1])
    request = Request.from_primitives(method, f"http://127.0.0.1{path}", dict(headers), body)
    model = get_service_model(service)
    uri: dict[str, Any] = {}
    name = headers.get("X-Amz-Target", "").rpartition(".")[2] or request.form.get("Action", "")
    if not name:
        try:
            found, uri = get_service_router(service).match(request)
        except Exception as error:
            raise NotUnderstood(f"{service} has no operation like {method} {path}") from error
        name = found.name
    operation = model.operation_model(name)
    parser = PROTOCOL_PARSERS[determine_request_protocol(model, request.content_type)](operation)
    parameters = parser.parse(
        {
            "method": method,
            "values": request.values,
            "headers": request.headers,
            "body": body,
            "url_path": request.path,
            "url_params": uri,
        }
    )
    shape = operation.input_shape
    problems = list(_problems(shape, parameters, name)) if shape is not None else []
    problems += [
        f"{name}.{member} is {value!r}, which is not {NAMES[service, name, member]}"
        for member, value in parameters.items()
        if (service, name, member) in NAMES and not _compiled(NAMES[service, name, member]).fullmatch(value)
    ]
    return Call(service, name, parameters, tuple(problems))


def _problems(shape: Any, value: Any, place: str) -> Iterator[str]:
    if shape.type_name == "structure":
        missing = [name for name in shape.required_members if value.get(name) is None]
        yield from (f"{place}.{name} is missing" for name in missing)
        for name, member in shape.members.items():
            if value.get(name) is not None:
                yield from _problems(member, value[name], f"{place}.{name}")
    elif shape.type_name == "list":
        yield from _size(shape, len(value), place)
        for number, item in enumerate(value):
            yield from _problems(shape.member, item, f"{place}[{number}]")
    elif shape.type_name == "map":
        yield from _size(shape, len(value), place)
        for key, item in value.items():
            yield from _problems(shape.key, key, f"{place} key")
            yield from _problems(shape.value, item, f"{place}.{key}")
    elif shape.type_name == "string":
        yield from _text(shape, value, place)
    elif shape.type_name in ("integer", "long", "float", "double"):
        yield from _size(shape, value, place)


def _text(shape: Any, value: str, place: str) -> Iterator[str]:
    yield from _size(shape, len(value), place)
    if shape.enum and value not in shape.enum:
        yield f"{place} is {value!r}, none of {', '.join(shape.enum)}"
    pattern = shape.metadata.get("pattern")
    if pattern and not _compiled(pattern).fullmatch(value):
        yield f"{place} is {value!r}, which is not {pattern}"


def _size(shape: Any, size: float, place: str) -> Iterator[str]:
    least, most = (shape.metadata.get(name) for name in ("min", "max"))
    if (least is not None and size < least) or (most is not None and size > most):
        yield f"{place} is {size}, not {least} to {most}"


@cache
def _compiled(pattern: str) -> regex.Pattern[str]:
    """The models' patterns are Java's, with classes that Python's own module does not know, and surrogates."""
    return regex.compile(pattern.replace(r"\uD800\uDC00-\uDBFF\uDFFF", r"\U00010000-\U0010FFFF"))
