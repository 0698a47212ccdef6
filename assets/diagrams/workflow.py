"""How a change gets from a laptop into the account."""

from __future__ import annotations

from diagrams import Cluster
from diagrams.aws.general import User
from diagrams.aws.integration import StepFunctions
from diagrams.aws.security import IAMRole
from diagrams.aws.storage import S3
from diagrams.onprem.ci import GithubActions
from diagrams.onprem.iac import Terraform
from diagrams.onprem.vcs import Github
from diagrams.programming.language import Python

from assets.diagrams.drawing import BOX, Drawing, arrow, icon


def draw() -> Drawing:
    """The picture."""
    with Drawing("TB", compound="true", nodesep="0.4", ranksep="0.5") as made:
        person = icon(User, "you", "change a function, the definition,", "a policy, a contract")
        with Cluster("a laptop: no account, no Docker, no token", graph_attr=BOX):
            run = icon(Python, "make run", "marketlake up: the AWS emulator,", "deployed from the same files")
            sources = icon(Python, "simulated sources", "Yahoo, ECB, Frankfurter,", "with fault injection")
            test = icon(Python, "make test", "format, lint, types, all tests,", "Terraform applied to the emulator")
        repository = icon(Github, "GitHub", "a pull request")
        with Cluster("GitHub Actions", graph_attr=BOX):
            check = icon(GithubActions, "check", "make test on a fresh machine,", "security scan, package sizes")
            plan = icon(GithubActions, "plan", "what would change,", "in the run's summary")
            deploy = icon(GithubActions, "deploy", "main only, once a", "reviewer has agreed")
        with Cluster("the AWS account", graph_attr=BOX):
            reader = icon(IAMRole, "role by OIDC", "may read")
            writer = icon(IAMRole, "role by OIDC", "may change the stack")
            terraform = icon(Terraform, "Terraform", "plan, then apply that plan")
            state = icon(S3, "state", "locked")
            stack = icon(StepFunctions, "marketlake", "state machine, functions, lake")
        person >> arrow("  tries it") >> run
        sources >> arrow(constraint="false") >> run
        person >> arrow("  proves it") >> test
        [run, test] >> arrow() >> repository
        repository >> arrow("  each push") >> check
        repository >> arrow("  pull request") >> plan
        repository >> arrow("  merged") >> deploy
        plan >> arrow() >> reader
        deploy >> arrow() >> writer
        [reader, writer] >> arrow() >> terraform
        terraform >> arrow() >> [state, stack]
    return made
