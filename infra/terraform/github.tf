# GitHub Actions without stored keys: a workflow shows GitHub's signed token and gets a role for an hour. Pull requests
# may plan, which reads; only jobs of the protected environment may deploy. Made only where github_repository is set.
# https://docs.github.com/en/actions/security-for-github-actions/security-hardening-your-deployments/configuring-openid-connect-in-amazon-web-services
#
# The roles are made by whoever deploys first, from a machine of their own. The deploy role can neither change them (it
# may touch roles called <prefix>-* only) nor delete what holds data: buckets, queue, database, workgroup, log groups. It
# does write the policies of the functions' roles, which is why its environment is protected: someone reads the plan.
#
# Four actions name no resource in IAM (DescribeTrails, DescribeLogGroups, GetSubscriptionAttributes and
# ValidateStateMachineDefinition): the one statement with Resource * holds these and nothing else.

locals {
  github = var.github_repository == null ? {} : {
    plan   = { subject = "repo:${var.github_repository}:pull_request", policies = ["plan"] }
    deploy = { subject = "repo:${var.github_repository}:environment:${var.github_environment}", policies = ["plan", "deploy"] }
  }

  github_policies = merge([for role, value in local.github : { for policy in value.policies : "${role}-${policy}" => { role = role, policy = policy } }]...)

  github_host         = "token.actions.githubusercontent.com"
  github_provider_arn = "arn:${local.partition}:iam::${local.account_id}:oidc-provider/${local.github_host}"
}

resource "aws_iam_openid_connect_provider" "github" {
  count = var.github_repository == null || var.github_oidc_provider_exists ? 0 : 1

  url            = "https://${local.github_host}"
  client_id_list = ["sts.amazonaws.com"]
}

resource "aws_iam_role" "github" {
  for_each = local.github

  name                 = "github-${var.prefix}-${each.key}"
  description          = "Taken by the ${each.key} workflow of ${var.github_repository}"
  max_session_duration = 3600
  assume_role_policy = templatefile("${path.module}/policies/trust/github.json.tftpl", {
    provider_arn = local.github_provider_arn
    host         = local.github_host
    subject      = each.value.subject
  })
}

# A managed policy each: a role's inline policies may have 10,240 characters in all, a managed one 6,144.
resource "aws_iam_policy" "github" {
  for_each = var.github_repository == null ? toset([]) : toset(["plan", "deploy"])

  name        = "github-${var.prefix}-${each.key}"
  description = "What terraform ${each.key == "plan" ? "plan reads" : "apply changes"} of stack ${var.prefix}"
  policy = templatefile("${path.module}/policies/github_${each.key}.json.tftpl", merge(local.template, {
    state_bucket = coalesce(var.state_bucket, "none")
  }))
}

resource "aws_iam_role_policy_attachment" "github" {
  for_each = local.github_policies

  role       = aws_iam_role.github[each.value.role].name
  policy_arn = aws_iam_policy.github[each.value.policy].arn
}
