locals {
  # The Retry lists, written from the errors' policies in functions/marketlake/errors.py.
  retry       = jsondecode(templatefile("${local.root}/statemachine/retry.json", local.template))
  retry_lists = { for kind, retriers in local.retry : "retry_${kind}" => jsonencode(retriers) }
  # Every error by two catchers: States.ALL stands alone, and does not match States.DataLimitExceeded.
  # https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
  catch       = jsondecode(file("${local.root}/statemachine/catch.json"))
  catch_lists = { for state, catcher in local.catch : "catch_${state}" => jsonencode([for error in ["States.DataLimitExceeded", "States.ALL"] : merge({ ErrorEquals = [error] }, catcher)]) }
  # Who calls a function, as functions/marketlake/messages.py reads it.
  tasks      = { for kind, task in jsondecode(file("${local.root}/statemachine/task.json")) : kind => jsonencode(task) }
  definition = templatefile("${local.root}/statemachine/pipeline.asl.json", merge(local.template, local.retry_lists, local.catch_lists, local.tasks))
}

# /aws/vendedlogs/: log groups of that name do not count against the account's resource policy for log delivery.
# https://docs.aws.amazon.com/step-functions/latest/dg/bp-cwl.html
resource "aws_cloudwatch_log_group" "state_machine" {
  # checkov:skip=CKV_AWS_158: CloudWatch encrypts logs by itself; a customer key costs $1 a month for public data
  # checkov:skip=CKV_AWS_338: retention is a variable; Step Functions keeps each history for 90 days besides
  name              = "/aws/vendedlogs/states/${local.names.state_machine}"
  retention_in_days = var.log_retention_days
}

resource "aws_sfn_state_machine" "pipeline" {
  name       = local.names.state_machine
  type       = "STANDARD"
  role_arn   = aws_iam_role.this["state_machine"].arn
  definition = local.definition

  logging_configuration {
    log_destination        = "${aws_cloudwatch_log_group.state_machine.arn}:*"
    level                  = "ALL"
    include_execution_data = true # keys and counts only, and what a failure needs to be understood
  }

  tracing_configuration {
    enabled = true
  }

  # Creation checks at once whether the role may deliver logs; the functions must be there before anyone starts it.
  depends_on = [aws_iam_role_policy.this, aws_lambda_function.this]
}
