# GitHub Actions without stored keys: a workflow shows GitHub's signed token and gets a role for an hour. Pull requests
# may plan, which reads; only jobs of the protected environment may deploy. Made only where github_repository is set.
# https://docs.github.com/en/actions/security-for-github-actions/security-hardening-your-deployments/configuring-openid-connect-in-amazon-web-services
#
# The roles are made by whoever deploys first, from a machine of their own. The deploy role cannot change them, since it
# names the roles that it may touch, nor delete what holds data: buckets, queue, database, workgroup, log groups; what it
# leaves to a person is listed in docs/operations.md. It does write the policies of the functions' roles, which is why its
# environment is protected: someone reads the plan.
#
# It reaches no other stack in the account, whatever that is called: everything has its name, save alarms, of which it may
# touch those that begin as ours do, so that a new one needs no new policy. One action cannot be held to the stack:
# sns:Unsubscribe names no resource, so the role could end any subscription of the account.

locals {
  # A token's subject has GitHub's numbers of owner and repository beside their names where the repository was created,
  # renamed or transferred since 15 July 2026, or has opted in; in other repositories it has the names alone.
  # https://github.blog/changelog/2026-04-23-immutable-subject-claims-for-github-actions-oidc-tokens/, which first gave June
  # and a hyphen; the date and the @ are from https://github.com/github/docs/pull/45221 and
  # https://learn.microsoft.com/entra/workload-id/workload-identities-github-immutable-subjects.
  github_names = var.github_repository == null ? [] : split("/", var.github_repository)
  github_subjects = var.github_repository == null ? [] : [
    "repo:${var.github_repository}",
    format("repo:%s@%d/%s@%d", local.github_names[0], var.github_owner_id, local.github_names[1], var.github_repository_id),
  ]

  github = var.github_repository == null ? {} : {
    plan   = "pull_request"
    deploy = "environment:${var.github_environment}"
  }

  # Policy to the roles that have it. Each is a managed one: a role's inline policies may have 10,240 characters in all, each
  # managed one 6,144, white space not counted (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html).
  github_policies = var.github_repository == null ? {} : {
    plan              = ["plan", "deploy"]
    plan_monitoring   = ["plan", "deploy"]
    deploy            = ["deploy"]
    deploy_roles      = ["deploy"]
    deploy_monitoring = ["deploy"]
  }

  github_host         = "token.actions.githubusercontent.com"
  github_provider_arn = "arn:${local.partition}:iam::${local.account_id}:oidc-provider/${local.github_host}"

  log_groups = compact([for service in values(local.services) : service.log_group])
  alarm_families = concat(
    ["athena-failures", "dlq-depth", "executions-*", "freshness", "rejected-rows*", "unauthorized-calls"],
    [for name in keys(local.functions) : "${replace(name, "_", "-")}-*"],
  )

  # What the policies name beside local.template: lists, as JSON.
  github_template = merge({ state_bucket = coalesce(var.state_bucket, "none") }, { for name, list in {
    role_arns     = [for name in keys(local.services) : "arn:${local.partition}:iam::${local.account_id}:role/${local.names.role_prefix}${replace(name, "_", "-")}"]
    services      = distinct([for role in values(local.services) : "${role.service}.amazonaws.com"])
    bucket_arns   = [for name in ["raw", "clean", "results", "artifacts", "trail"] : "arn:${local.partition}:s3:::${local.names["${name}_bucket"]}"]
    function_arns = values(local.function_arns)
    pipeline_arns = [
      local.state_machine_arn,
      "arn:${local.partition}:states:${local.arn_suffix}:stateMachine:${local.names.interrupted}",
      "arn:${local.partition}:scheduler:${local.arn_suffix}:schedule/default/${local.names.schedule}",
      "arn:${local.partition}:scheduler:${local.arn_suffix}:schedule/default/${local.names.morning_schedule}",
      "arn:${local.partition}:events:${local.arn_suffix}:rule/${local.names.interrupted}",
      local.dlq_arn, local.topic_arn,
    ]
    catalog_arns = [
      "arn:${local.partition}:glue:${local.arn_suffix}:catalog",
      "arn:${local.partition}:glue:${local.arn_suffix}:database/${local.names.database}",
      "arn:${local.partition}:glue:${local.arn_suffix}:table/${local.names.database}/*",
      "arn:${local.partition}:athena:${local.arn_suffix}:workgroup/${local.names.workgroup}",
    ]
    alarm_arns     = [for family in local.alarm_families : "arn:${local.partition}:cloudwatch:${local.arn_suffix}:alarm:${var.prefix}-${family}"]
    log_group_arns = [for name in local.log_groups : "arn:${local.partition}:logs:${local.arn_suffix}:log-group:${name}:*"]
    monitoring_arns = [
      "arn:${local.partition}:cloudwatch::${local.account_id}:dashboard/${var.prefix}",
      "arn:${local.partition}:cloudtrail:${local.arn_suffix}:trail/${local.trail_name}",
      "arn:${local.partition}:budgets::${local.account_id}:budget/${var.prefix}-monthly",
    ]
    log_group_tags_arns = [for name in local.log_groups : "arn:${local.partition}:logs:${local.arn_suffix}:log-group:${name}"]
    quicksight_arns = concat(
      ["arn:${local.partition}:quicksight:${local.arn_suffix}:datasource/${var.prefix}-athena", "arn:${local.partition}:quicksight:${local.arn_suffix}:dashboard/${var.prefix}-market"],
      [for name in keys(local.data_sets) : "arn:${local.partition}:quicksight:${local.arn_suffix}:dataset/${var.prefix}-${name}"],
    )
    github_arns = concat(
      [for role in ["plan", "deploy"] : "arn:${local.partition}:iam::${local.account_id}:role/github-${var.prefix}-${role}"],
      [for policy in keys(local.github_policies) : "arn:${local.partition}:iam::${local.account_id}:policy/github-${var.prefix}-${replace(policy, "_", "-")}"],
      [local.github_provider_arn],
    )
  } : name => jsonencode(list) })
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
    subjects     = jsonencode([for repository in local.github_subjects : "${repository}:${each.value}"])
  })
}

resource "aws_iam_policy" "github" {
  for_each = local.github_policies

  name        = "github-${var.prefix}-${replace(each.key, "_", "-")}"
  description = "What terraform ${startswith(each.key, "plan") ? "plan reads" : "apply changes"} of stack ${var.prefix}"
  policy      = templatefile("${path.module}/policies/github_${each.key}.json.tftpl", merge(local.template, local.github_template))
}

resource "aws_iam_role_policy_attachment" "github" {
  for_each = merge([for policy, roles in local.github_policies : { for role in roles : "${role}-${policy}" => { role = role, policy = policy } }]...)

  role       = aws_iam_role.github[each.value.role].name
  policy_arn = aws_iam_policy.github[each.value.policy].arn
}
