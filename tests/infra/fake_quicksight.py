"""As much of QuickSight as Terraform asks for: data sources, data sets and dashboards are kept and given back."""

from __future__ import annotations

from typing import Any

KINDS = ("DataSource", "DataSet", "Dashboard")
CREATED = 1_750_000_000

Answer = tuple[int, dict[str, Any]]


class QuickSight:
    """``kept`` is kind and identifier to what was sent last."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], dict[str, Any]] = {}

    def answer(self, operation: str, sent: dict[str, Any]) -> Answer:
        """Status and document for a request."""
        if "ResourceArn" in sent:
            return self._tagging(sent)
        if operation == "DescribeDataSetRefreshProperties":
            return _error(400, "InvalidParameterValueException", "This is not a SPICE dataset")
        kind = next(kind for kind in KINDS if kind in operation)
        key = (kind, sent[f"{kind}Id"])
        if operation == f"Create{kind}":
            self.kept[key] = {**sent, "Version": 1}
        if key not in self.kept:
            return _error(404, "ResourceNotFoundException", f"there is no {kind} {key[1]}")
        if operation == f"Update{kind}":
            self.kept[key] |= {**sent, "Version": self.kept[key]["Version"] + 1}
        if operation == f"Delete{kind}":
            del self.kept[key]
            return 200, {"Status": 200}
        if operation == f"Update{kind}Permissions":
            revoked = [each["Principal"] for each in sent.get("RevokePermissions", [])]
            kept = [each for each in self.kept[key]["Permissions"] if each["Principal"] not in revoked]
            self.kept[key]["Permissions"] = kept + sent.get("GrantPermissions", [])
        return 200, self._described(operation, kind, self.kept[key])

    def _tagging(self, sent: dict[str, Any]) -> Answer:
        word, _, name = sent["ResourceArn"].rpartition(":")[2].partition("/")
        found = self.kept[next(kind for kind in KINDS if kind.lower() == word), name]
        given = [tag["Key"] for tag in sent.get("Tags", [])]
        kept = [tag for tag in found["Tags"] if tag["Key"] not in [*given, *sent.get("TagKeys", [])]]
        found["Tags"] = kept + sent.get("Tags", [])
        return 200, {"Tags": found["Tags"]}

    def _described(self, operation: str, kind: str, found: dict[str, Any]) -> dict[str, Any]:
        name, version = found[f"{kind}Id"], found["Version"]
        arn = f"arn:aws:quicksight:eu-west-2:{found['AwsAccountId']}:{kind.lower()}/{name}"
        about = {"Arn": arn, f"{kind}Id": name, "Status": 200}
        state = "CREATION_SUCCESSFUL" if version == 1 or kind == "Dashboard" else "UPDATE_SUCCESSFUL"
        if operation == f"Describe{kind}Permissions":
            return about | {"Permissions": found["Permissions"]}
        if operation == "DescribeDashboardDefinition":
            return about | {"Name": found["Name"], "ResourceStatus": state, "Definition": found["Definition"]}
        if operation != f"Describe{kind}":
            return about | {"VersionArn": f"{arn}/version/{version}", "CreationStatus": state}
        times = {"CreatedTime": CREATED, "LastUpdatedTime": CREATED + version}
        shown = {**found, **times, "Arn": arn, "Status": state}
        if kind == "Dashboard":
            shown["Version"] = {"VersionNumber": version, "Status": state, "Description": found["VersionDescription"]}
        return {kind: shown, "Status": 200}


def _error(status: int, code: str, message: str) -> Answer:
    return status, {"__type": code, "Message": message}
