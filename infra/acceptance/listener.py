"""Whether the topic's messages really leave it: a queue subscribes to it for as long as a step takes."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from infra import facts
from infra.acceptance.stage import KIND, wait_for
from infra.client.target import Target

LOCAL_WAIT_SECONDS, AWS_WAIT_SECONDS = 10.0, 120.0
"""EventBridge and SNS deliver within seconds, and name no bound."""


class Listener:
    """The messages that came to the queue at ``url``."""

    def __init__(self, target: Target, url: str) -> None:
        self._target, self._url = target, url
        self._came: list[str] = []

    def heard(self, words: str) -> str:
        """The first message that has ``words`` in it, waited for; empty where none came."""
        seconds, pause = (LOCAL_WAIT_SECONDS, 0.1) if self._target.is_local else (AWS_WAIT_SECONDS, 2.0)
        return wait_for(lambda: self._look(words), seconds, pause)

    def _look(self, words: str) -> str:
        found = self._target.sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        self._came += [message.get("Body", "") for message in found.get("Messages", [])]
        return next((text for text in self._came if words in text), "")


@contextmanager
def listening(target: Target) -> Iterator[Listener]:
    """A queue that gets what is published to the stack's topic, as it is; both are gone afterwards."""
    topic = target.arn("sns", target.names["topic"])
    name = f"{target.prefix}-{KIND}-{secrets.token_hex(4)}"
    arn = target.arn("sqs", name)
    policy = facts.queue_of_topic_policy(arn, topic)
    url = target.sqs.create_queue(QueueName=name, Attributes={"Policy": policy})["QueueUrl"]
    try:
        raw = {"RawMessageDelivery": "true"}
        target.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=raw, ReturnSubscriptionArn=True)
        yield Listener(target, url)
    finally:
        silence(target, url)


def silence(target: Target, url: str) -> None:
    """Remove a listening queue and its subscription."""
    arn = target.arn("sqs", url.rpartition("/")[2])
    topic = target.arn("sns", target.names["topic"])
    pages = target.sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
    for subscription in [one for page in pages for one in page["Subscriptions"]]:
        if subscription.get("Endpoint") == arn:
            target.sns.unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])
    target.sqs.delete_queue(QueueUrl=url)


def left_listening(target: Target) -> list[str]:
    """URLs of listening queues that an acceptance which was cut off left behind."""
    return target.sqs.list_queues(QueueNamePrefix=f"{target.prefix}-{KIND}-").get("QueueUrls", [])
