"""What goes wrong for the person at the command line: a sentence, what to do next, and the exit status."""

from __future__ import annotations

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,
    NoCredentialsError,
    NoRegionError,
    ProfileNotFound,
    SSOTokenLoadError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)

FAILED, REFUSED, INTERRUPTED, READER_GONE = 1, 2, 130, 141

EXIT_STATUSES = {
    0: "it did what it should",
    FAILED: "something failed; the line says what, and what to do next",
    REFUSED: "what was asked for is not accepted, or not there; nothing was done",
    INTERRUPTED: "stopped by Ctrl-C; an execution that was watched goes on",
    READER_GONE: "what reads the output went away, as `head` does; nothing is said",
}
"""The exit statuses of the command. The last two are those of a shell for a program that SIGINT or SIGPIPE ended:
https://www.gnu.org/software/bash/manual/html_node/Exit-Status.html"""

EXPIRED = {
    "ExpiredToken",
    "ExpiredTokenException",
    "RequestExpired",
    "InvalidClientTokenId",
    "UnrecognizedClientException",
}
MISSING = {
    "StateMachineDoesNotExist",
    "ResourceNotFoundException",
    "NoSuchBucket",
    "EntityNotFoundException",
    "AWS.SimpleQueueService.NonExistentQueue",
    "QueueDoesNotExist",
}
DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403"}


class OpsError(Exception):
    """An error that ends the command; ``advice`` says what to do next, ``status`` is the exit status."""

    status = FAILED

    def __init__(self, message: str = "", advice: str = "") -> None:
        super().__init__(message)
        self.advice = advice


class NotRunning(OpsError):
    """The emulator does not answer."""


class Refusal(OpsError):
    """What was asked for is not accepted; nothing was done."""

    status = REFUSED


class StillRunning(OpsError):
    """The command stopped watching an execution, which goes on."""


class Interrupted(OpsError):
    """Ctrl-C."""

    status = INTERRUPTED


class ReaderGone(OpsError):
    """Nobody reads standard output any more."""

    status = READER_GONE


class QueryFailed(OpsError):
    """Athena could not answer the query."""


def explain(error: ClientError | BotoCoreError) -> OpsError:
    """An error of the AWS SDK as one of ours, with what to do about the usual ones."""
    if isinstance(error, ClientError):
        return _explain_answer(error)
    if isinstance(error, NoCredentialsError):
        return OpsError("no AWS credentials were found", "give --profile NAME, or sign in with: aws sso login")
    if isinstance(error, SSOTokenLoadError | UnauthorizedSSOTokenError | TokenRetrievalError):
        return OpsError(f"the AWS sign-in has expired: {error}", "sign in again with: aws sso login --profile NAME")
    if isinstance(error, ProfileNotFound):
        return Refusal(str(error), "see `aws configure list-profiles` for the profiles there are")
    if isinstance(error, NoRegionError):
        return Refusal("no AWS region is known", "give --region NAME")
    if isinstance(error, ConnectionError):
        return OpsError(f"AWS does not answer: {error}", "check the network; for the emulator run: marketlake up")
    return OpsError(f"{type(error).__name__}: {error}")


def _explain_answer(error: ClientError) -> OpsError:
    code = error.response.get("Error", {}).get("Code", "")
    message = error.response.get("Error", {}).get("Message", "")
    text = f"AWS refused {error.operation_name}: {code}: {message}"
    if code in EXPIRED:
        return OpsError(text, "sign in again, such as with: aws sso login --profile NAME")
    if code in MISSING:
        return OpsError(text, "check --prefix and --region; `marketlake doctor` names what is not deployed")
    if code in DENIED:
        return OpsError(text, "use a profile that may do this; `marketlake doctor` tries each service")
    return OpsError(text, "`marketlake doctor` looks for what is wrong")
