"""A stand-in for Step Functions Local, which needs Docker: run it as a program, with the environment of its container.

MiniStack's Step Functions in a process of its own, with one thing replaced: a Task calls the endpoints in
LAMBDA_ENDPOINT, SQS_ENDPOINT and SNS_ENDPOINT, signed with a key that nobody gave it. It shows that the parts find one
another; it shows nothing about AWS's engine.
"""

from __future__ import annotations

import json
import os
from typing import Any

import boto3
from ministack.services import stepfunctions as engine

Json = dict[str, Any]


def call(resource: str, parameters: Json, _timeout: float) -> Any:
    """The answer of the service behind a Task, as Step Functions hands it on."""
    service, action = resource.split(":::")[1].split(":")
    client: Any = boto3.client(
        service,
        endpoint_url=os.environ[f"{service.upper()}_ENDPOINT"],
        region_name=os.environ["AWS_DEFAULT_REGION"],
        aws_access_key_id="AKIASTANDIN",
        aws_secret_access_key="its own",
    )
    if action == "invoke":
        return _invoke(client, parameters)
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in parameters.items()}
    answer: Json = getattr(client, {"sendMessage": "send_message", "publish": "publish"}[action])(**texts)
    return {key: value for key, value in answer.items() if key != "ResponseMetadata"}


def _invoke(client: Any, parameters: Json) -> Json:
    answer = client.invoke(FunctionName=parameters["FunctionName"], Payload=json.dumps(parameters["Payload"]))
    text = answer["Payload"].read().decode()
    if "FunctionError" in answer:
        raise engine._ExecutionError(json.loads(text)["errorType"], text)
    return {"Payload": json.loads(text), "StatusCode": answer["StatusCode"]}


def main() -> None:
    """Serve."""
    engine._invoke_resource_with_timeout = call
    from ministack.app import main as serve

    serve()


if __name__ == "__main__":
    main()
