# One role for each function and service, each with the one policy of its name in policies/. A function's policy also has
# the statements of policies/every_function.json.tftpl; infra/facts.py joins the two in the same way.
# https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html

locals {
  # Services that name the account for which they act are held to it, so that none can be made another account's deputy.
  services = merge(
    { for name in keys(local.functions) : name => { service = "lambda", trust = "service", log_group = "/aws/lambda/${local.function_names[name]}" } },
    {
      state_machine = { service = "states", trust = "service_of_account", log_group = "/aws/vendedlogs/states/${local.names.state_machine}" }
      scheduler     = { service = "scheduler", trust = "service_of_account", log_group = "" }
      interrupted   = { service = "states", trust = "service_of_account", log_group = "" }
      # No condition: a role can be passed to a rule of its own account only, by the warning on
      # https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html
      interrupted_rule = { service = "events", trust = "service", log_group = "" }
    },
    var.trail_enabled ? { trail = { service = "cloudtrail", trust = "service", log_group = "/aws/cloudtrail/${local.trail_name}" } } : {},
  )
}

resource "aws_iam_role" "this" {
  for_each = local.services

  name = "${local.names.role_prefix}${replace(each.key, "_", "-")}"
  assume_role_policy = templatefile("${path.module}/policies/trust/${each.value.trust}.json.tftpl", {
    service    = each.value.service
    account_id = local.account_id
  })
}

resource "aws_iam_role_policy" "this" {
  for_each = local.services

  name = each.key
  role = aws_iam_role.this[each.key].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = flatten([
      for file in each.value.service == "lambda" ? [each.key, "every_function"] : [each.key] :
      jsondecode(templatefile("${path.module}/policies/${file}.json.tftpl", merge(local.template, {
        log_group_arn = "arn:${local.partition}:logs:${local.arn_suffix}:log-group:${each.value.log_group}"
      }))).Statement
    ])
  })
}
