"""Addresses of AWS's own console."""

from __future__ import annotations

from urllib.parse import quote

HOSTS = {"aws-cn": "console.amazonaws.cn", "aws-us-gov": "console.amazonaws-us-gov.com"}
"""Hosts of the partitions that are not ``aws``."""


def console_url(partition: str, region: str, page: str) -> str:
    """The address of ``page``, such as ``sqs/v3/home``, in a region's console."""
    return f"https://{region}.{HOSTS.get(partition, 'console.aws.amazon.com')}/{page}"


def console_link(execution_arn: str) -> str:
    """The execution's page in the console; the ARN's own region and partition name the host."""
    _, partition, _, region, *_ = execution_arn.split(":")
    page = f"states/home?region={region}#/v2/executions/details/{quote(execution_arn, safe=':')}"
    return console_url(partition, region, page)
